import { HistogramMetric, type HistogramSeries } from '../histogram.js'
import type { LabelValues } from '../labels.js'
import type { Metric } from '../metric.js'
import type { ResolvedHttp } from '../options.js'
import type { MethodSeries } from './routes.js'
import { statusLabel } from './status.js'

/** From a packet to a large download. */
const sizeBuckets = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]

/** Where the requests of one route, method and status are recorded. */
export interface RequestSeries {
  duration: HistogramSeries
  firstByte: HistogramSeries | undefined
  requestSize: HistogramSeries | undefined
  responseSize: HistogramSeries | undefined
}

/** The histograms of requests, by method, route and status. */
export class RequestMetrics {
  readonly duration: HistogramMetric
  readonly all: Metric<object>[]
  readonly #firstByte: HistogramMetric | undefined
  readonly #requestSize: HistogramMetric | undefined
  readonly #responseSize: HistogramMetric | undefined
  readonly #status: 'code' | 'class'

  constructor({ buckets, sizes, ttfb, labels, status }: ResolvedHttp, prefix: string, maxSeries: number) {
    this.#status = status
    const labelNames = ['method', 'route', 'status_code', ...Object.keys(labels)]
    const histogram = (name: string, help: string, bounds: readonly number[]) =>
      new HistogramMetric({ name: prefix + name, help, labelNames, buckets: bounds, maxSeries })
    this.duration = histogram(
      'http_request_duration_seconds',
      'From the arrival of a request to the end of its reply, or to its abort.',
      buckets,
    )
    if (ttfb) {
      const help = 'From the arrival of a request to the first byte of its reply.'
      this.#firstByte = histogram('http_request_first_byte_seconds', help, buckets)
    }
    if (sizes) {
      this.#requestSize = histogram('http_request_size_bytes', 'Bodies of requests.', sizeBuckets)
      this.#responseSize = histogram('http_response_size_bytes', 'Bodies of replies, as handed over.', sizeBuckets)
    }
    this.all = [this.duration, this.#firstByte, this.#requestSize, this.#responseSize].filter((m) => m !== undefined)
  }

  series({ method, route }: MethodSeries, status: number, custom: LabelValues): RequestSeries {
    const labels = { method, route, status_code: statusLabel(status, this.#status), ...custom }
    const duration = this.duration.bind(labels)
    return {
      duration,
      firstByte: this.#firstByte?.bind(labels),
      requestSize: this.#requestSize?.bind(labels),
      responseSize: this.#responseSize?.bind(labels),
    }
  }

  hasOverflowed({ duration }: RequestSeries): boolean {
    return this.duration.isOverflow(duration)
  }
}
