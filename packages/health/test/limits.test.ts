import { randomUUID } from 'node:crypto'
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startChild, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import { hybrid, layOut } from './cgroup-trees.js'

const limitBytes = 256 * 1_048_576
const fixture = fileURLToPath(new URL('./fixtures/limited.js', import.meta.url))
const flags = ['--max-old-space-size=1024', '--expose-gc', fixture]

/** What happens to a process in a cgroup: by the kernel, or by a recorded tree that is written as a kernel would. */
interface Stage {
  child: Child
  /** Sets the quota to a tenth of a core, which a busy machine gives as well. */
  setQuota(): void
  fillPageCache(get: Get): Promise<unknown>
  hold(get: Get, bytes: number): Promise<unknown>
  drop(get: Get): Promise<unknown>
  runOutOfMemory(get: Get): Promise<unknown>
  burn(get: Get): Promise<unknown>
}

type Get = <T>(path: string) => Promise<T>

/** Limits of version 1, really set. */
async function realStage(t: Test): Promise<Stage> {
  const name = `steadfast-test-${randomUUID()}`
  const [memory, cpu] = ['memory', 'cpu'].map((controller) => join('/sys/fs/cgroup', controller, name)) as [
    string,
    string,
  ]
  for (const folder of [memory, cpu]) {
    mkdirSync(folder)
    t.teardown(() => waitFor(() => rmdirSync(folder) === undefined))
  }
  writeFileSync(join(memory, 'memory.limit_in_bytes'), `${limitBytes}`)
  const folder = mkdtempSync(join(tmpdir(), 'page-cache-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const script = `echo $$ > ${memory}/cgroup.procs; echo $$ > ${cpu}/cgroup.procs; exec "$@"`
  const child = await startChild('sh', ['-c', script, 'sh', process.execPath, ...flags, '/'])
  return {
    child,
    setQuota: () => writeFileSync(join(cpu, 'cpu.cfs_quota_us'), '10000'),
    async fillPageCache(get) {
      await get(`/fill-page-cache?folder=${folder}`)
      const usage = Number(readFileSync(join(memory, 'memory.usage_in_bytes'), 'utf8'))
      t.ok(usage > 0.9 * limitBytes, `with the page cache ${usage} bytes are in use`)
    },
    hold: (get, bytes) => get(`/hold?bytes=${bytes}`),
    drop: (get) => get('/drop'),
    runOutOfMemory: async (get) => t.same(await get('/run-out-of-memory'), { signal: 'SIGKILL' }),
    burn: (get) => get('/burn'),
  }
}

/** The same, where only the readings can be tested: the kernel's part is played. */
async function recordedStage(t: Test): Promise<Stage> {
  const { root, write } = layOut(t, hybrid)
  const memory = 'sys/fs/cgroup/memory/tests/app'
  const cpu = 'sys/fs/cgroup/cpu/tests/app'
  write(`${cpu}/cpu.cfs_quota_us`, '-1\n')
  const child = await startChild(process.execPath, [...flags, root])
  const use = async (bytes: number) => write(`${memory}/memory.usage_in_bytes`, `${bytes}\n`)
  return {
    child,
    setQuota: () => write(`${cpu}/cpu.cfs_quota_us`, '10000\n'),
    async fillPageCache() {
      write(`${memory}/memory.stat`, 'total_inactive_file 180000000\n')
      await use(250_000_000)
    },
    hold: (_, bytes) => use(250_000_000 + bytes),
    drop: () => use(250_000_000),
    runOutOfMemory: async () => write(`${memory}/memory.oom_control`, 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n'),
    burn: async (get) => {
      await get('/burn')
      write(`${cpu}/cpu.stat`, 'nr_periods 60\nnr_throttled 28\nthrottled_time 2500000000\n')
    },
  }
}

// Machines that have version 2 alone, or let nobody write, get what can be tested there, and no test that claims more.
const stages: Record<string, (t: Test) => Promise<Stage>> = {
  'a recorded tree': recordedStage,
  ...(canWriteVersion1() && { 'a cgroup of version 1': realStage }),
}

for (const [name, begin] of Object.entries(stages)) {
  t.test(`${name}: a process knows its limits, and what it has used of them`, async (t) => {
    await play(t, await begin(t))
  })
}

function canWriteVersion1(): boolean {
  try {
    for (const file of ['memory/memory.limit_in_bytes', 'cpu/cpu.cfs_quota_us']) {
      accessSync(join('/sys/fs/cgroup', file), constants.W_OK)
    }
    return true
  } catch {
    return false
  }
}

async function play(t: Test, stage: Stage): Promise<void> {
  const { child } = stage
  t.teardown(() => child.release())
  const url = await waitFor(() => child.reports<{ url?: string }>().find(({ url }) => url)?.url)
  const get: Get = async (path) => (await (await fetch(url + path)).json()) as never
  const metrics = () => get<Record<string, number>>('/metrics')
  const check = async (name: string) => {
    const { checks } = await get<{ checks: Record<string, { status: string; output: string }[]> }>('/health')
    return checks[name]?.[0]
  }
  const until = (name: string, status: string) =>
    waitFor(async () => {
      const found = await check(name)
      return found?.status === status ? found : undefined
    })

  const lines = child.reports<{ line?: { msg: string } }>().flatMap(({ line }) => line?.msg ?? [])
  t.equal(lines.length, 1, 'one warning at boot')
  t.match(lines[0], /^V8 lets its heap grow to 1\d\d\d MiB, above the memory limit of 256 MiB/)

  await until('memory', 'pass')
  const first = await metrics()
  t.equal(first.health_cgroup_memory_limit_bytes, limitBytes)
  t.equal(first.health_cgroup_oom_kills_total, 0)
  await stage.fillPageCache(get)
  const cached = (await metrics()).health_cgroup_memory_working_set_bytes as number
  t.ok(cached < 0.7 * limitBytes, `the page cache is not in the working set, ${cached} bytes`)
  t.equal((await check('memory'))?.status, 'pass')
  await stage.hold(get, Math.round(0.8 * limitBytes - cached))
  const tight = await until('memory', 'fail')
  t.match(tight.output, /^\d+ of 268435456 bytes are in use, above 70 %$/)
  t.equal(((await get('/health')) as { status: string }).status, 'warn')
  await stage.drop(get)
  await until('memory', 'pass')

  await stage.runOutOfMemory(get)
  t.equal((await metrics()).health_cgroup_oom_kills_total, 1)

  t.equal((await metrics()).health_cgroup_cpu_quota_cores, undefined)
  stage.setQuota()
  t.equal((await metrics()).health_cgroup_cpu_quota_cores, 0.1)
  await stage.burn(get)
  const busy = await until('cpu', 'fail')
  t.match(busy.output, /of 0\.1 cores are in use, above 50 %/)
  const { health_cgroup_cpu_throttled_periods_total: throttled } = await metrics()
  t.ok((throttled as number) > 10, `it was throttled in ${throttled} periods`)
}
