/**
 * Loaded before every server of the ladder: as many ES modules as an application has, so that a server with one plugin does not
 * differ from one without by having loaded files. The first few dozen cost each request 3 to 5 %, whatever is in them
 * (Node 20; measured with empty ones, and with as many files opened by fs/promises; one large module, or CommonJS, costs 0 to 1 %).
 */
const copies = 60

const own = new URL(import.meta.url)
if (own.search === '') {
  for (let copy = 0; copy < copies; copy++) await import(`${own.href}?copy=${copy}`)
}
