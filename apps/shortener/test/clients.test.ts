import t from 'tap'
import { uuidv7 } from '../src/clicks/request-id.js'
import { VisitorSalts } from '../src/clicks/salts.js'
import { Clients, networkOf } from '../src/operations/clients.js'

t.test('an IPv6 client is its /64, an IPv4 client its address, mapped or not', async (t) => {
  const expected = {
    '203.0.113.7': '203.0.113.7',
    '::ffff:203.0.113.7': '203.0.113.7',
    '2001:db8:0:1::1': '2001:db8:0:1::/64',
    '2001:db8:0:1:ffff:ffff:ffff:ffff': '2001:db8:0:1::/64',
    '2001:0DB8:0000:0001::2': '2001:db8:0:1::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    '::1': '0:0:0:0::/64',
    '::': '0:0:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    'fe80:0:0:0:1::': 'fe80:0:0:0::/64',
  }
  for (const [address, network] of Object.entries(expected)) t.equal(networkOf(address), network, address)
})

t.test('names of clients are alike for one, differ for others, and tell nothing', async (t) => {
  const clients = new Clients(new VisitorSalts())
  t.equal(clients.nameOf('203.0.113.7'), clients.nameOf('::ffff:203.0.113.7'))
  t.equal(clients.nameOf('2001:db8::1'), clients.nameOf('2001:db8::2'))
  t.not(clients.nameOf('203.0.113.7'), clients.nameOf('203.0.113.8'))
  t.match(clients.nameOf('203.0.113.7'), /^[\w-]{12}$/)
  t.not(
    clients.nameOf('203.0.113.7'),
    new Clients(new VisitorSalts()).nameOf('203.0.113.7'),
    'without the salt of the day',
  )
})

t.test('ids of requests are different, and rise with time', async (t) => {
  const ids = Array.from({ length: 5_000 }, (_, index) => uuidv7(1_700_000_000_000 + index))
  t.equal(new Set(ids).size, 5_000)
  t.same(ids.toSorted(), ids)
  t.ok(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)))
})
