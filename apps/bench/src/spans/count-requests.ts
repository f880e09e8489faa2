/** Loaded before a server that is measured by spans: tells, when asked, how many requests have come and what CPU time it has used (µs). */
import { subscribe } from 'node:diagnostics_channel'

let requests = 0
subscribe('http.server.request.start', () => {
  requests++
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.([requests, user + system])
})
