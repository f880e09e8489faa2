import { getHeapSpaceStatistics } from 'node:v8'
import type { MetricFamily } from '../lifecycle.js'
import { gauge } from './families.js'

/** V8's heap, its spaces, and what it keeps outside; and what keeps the event loop alive. */
export function heapFamilies(prefix: string): MetricFamily[] {
  const { heapTotal, heapUsed, external } = process.memoryUsage()
  const spaces = getHeapSpaceStatistics().map((space) => ({ ...space, name: space.space_name.replace(/_space$/, '') }))
  const bySpace = (name: string, help: string, read: (space: (typeof spaces)[number]) => number): MetricFamily => ({
    name: `${prefix}nodejs_heap_space_size_${name}_bytes`,
    help,
    type: 'gauge',
    samples: spaces.map((space) => ({ labels: { space: space.name }, value: read(space) })),
  })
  return [
    gauge(`${prefix}nodejs_heap_size_total_bytes`, 'The heap of V8.', heapTotal),
    gauge(`${prefix}nodejs_heap_size_used_bytes`, 'What of it is in use.', heapUsed),
    gauge(`${prefix}nodejs_external_memory_bytes`, 'Memory of objects in V8 that is outside of its heap.', external),
    bySpace('total', 'Each space of the heap.', (space) => space.space_size),
    bySpace('used', 'What of each space is in use.', (space) => space.space_used_size),
    bySpace('available', 'What of each space is free.', (space) => space.space_available_size),
    activeResources(prefix),
  ]
}

function activeResources(prefix: string): MetricFamily {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return {
    name: `${prefix}nodejs_active_resources`,
    help: 'What keeps the event loop alive, by type.',
    type: 'gauge',
    samples: [...counts].map(([type, value]) => ({ labels: { type }, value })),
  }
}
