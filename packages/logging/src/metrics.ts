import type { MetricFamily } from './lifecycle.js'
import type { Logging } from './logging.js'

/** What metrics can read: lines, and how the file fares. */
export function metricSource(logging: Logging): () => MetricFamily[] {
  return () => {
    const { accessLines, file } = logging.stats()
    const families = [counter('logging_access_lines_total', 'Access lines that were written.', accessLines)]
    if (!file) return families
    return [
      ...families,
      counter('logging_written_bytes_total', 'What was written to the file.', file.writtenBytes),
      counter('logging_dropped_lines_total', 'Lines that the disk did not take.', file.droppedLines),
      counter('logging_rolls_total', 'Files that were rolled.', file.rolls),
      gauge('logging_buffered_bytes', 'What is logged and not written yet.', file.bufferedBytes),
      gauge('logging_failing', 'Whether nothing can be written now: 1 yes, 0 no.', file.failure === undefined ? 0 : 1),
    ]
  }
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'counter', samples: [{ value }] }
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'gauge', samples: [{ value }] }
}
