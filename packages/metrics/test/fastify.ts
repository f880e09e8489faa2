import latest from 'fastify'

/** The Fastify that a test runs on: the newest, or with FASTIFY=oldest in the environment the oldest that there is support for. */
export const Fastify: typeof latest =
  process.env.FASTIFY === 'oldest'
    ? ((await import('fastify-oldest')) as unknown as { default: typeof latest }).default
    : latest
