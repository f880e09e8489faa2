/**
 * Loaded before every server of the ladder: as many ES modules as an application with all seven plugins has, so that a server with one plugin does not
 * differ from one without by having loaded files. The first few dozen cost each request 3 to 5 %, whatever is in them
 * (Node 20; measured with empty ones, and with as many files opened by fs/promises; one large module, or CommonJS, costs 0 to 1 %). Each is read
 * by a FileHandle, an EventEmitter of yet another shape: EventEmitter.init, which each request and response runs, has seen more than V8 keeps apart then.
 */
const copies = 300

const own = new URL(import.meta.url)
if (own.search === '') {
  for (let copy = 0; copy < copies; copy++) await import(`${own.href}?copy=${copy}`)
}
