import latest from 'fastify'

const others: Record<string, () => Promise<unknown>> = {
  oldest: () => import('fastify-oldest'),
  '5.10': () => import('fastify-5.10'),
}

const other = others[process.env.FASTIFY ?? '']

/** The Fastify that a test runs on: the newest, or the one that FASTIFY in the environment names. */
export const Fastify: typeof latest = other ? ((await other()) as { default: typeof latest }).default : latest
