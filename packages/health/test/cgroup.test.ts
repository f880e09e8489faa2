import { totalmem } from 'node:os'
import t, { type Test } from 'tap'
import { cgroupCpu } from '../src/cgroup/cpu.js'
import { cgroupMemory } from '../src/cgroup/memory.js'
import { type CheckResult, cpuCheck, memoryCheck } from '../src/index.js'
import { container2, docker1, hybrid, layOut, systemd2, type Tree } from './cgroup-trees.js'

const signal = new AbortController().signal

function read(t: Test, tree: Tree) {
  const { root, write } = layOut(t, tree)
  const memory = cgroupMemory(root)
  const cpu = cgroupCpu(root)
  return { root, write, memory, cpu }
}

t.test('hybrid: the controllers of version 1, and no CPU time that another cgroup has used', async (t) => {
  const { memory, cpu } = read(t, hybrid)
  t.same(memory(), { limitBytes: 268_435_456, workingSetBytes: 41_943_040, oomKills: 0 })
  const throttled = { periods: 40, throttledPeriods: 10, throttledSeconds: 1.5 }
  t.same(cpu(), { quotaCores: 0.5, usedSeconds: undefined, ...throttled })
})

t.test('version 1 in a container that keeps its host name', async (t) => {
  const { memory, cpu } = read(t, docker1)
  t.same(memory(), { limitBytes: 536_870_912, workingSetBytes: 60_000_000, oomKills: 2 })
  t.same(cpu(), { quotaCores: 1.5, usedSeconds: 12.5, periods: 8, throttledPeriods: 0, throttledSeconds: 0 })
})

t.test('version 2 in a container', async (t) => {
  const { memory, cpu } = read(t, container2)
  t.same(memory(), { limitBytes: 134_217_728, workingSetBytes: 40_000_000, oomKills: 3 })
  t.same(cpu(), { quotaCores: 0.25, usedSeconds: 4.5, periods: 100, throttledPeriods: 20, throttledSeconds: 2.5 })
})

t.test('version 2 with limits on the slice: its use against them, and the OOM kills of our own', async (t) => {
  const { memory, cpu } = read(t, systemd2)
  t.same(memory(), { limitBytes: 1_073_741_824, workingSetBytes: 600_000_000, oomKills: 1 })
  t.same(cpu(), { quotaCores: 2, usedSeconds: 60, periods: 5, throttledPeriods: 1, throttledSeconds: 0.001 })
})

t.test('unlimited of every kind reads as unlimited', async (t) => {
  const own = 'sys/fs/cgroup/memory/tests/app/memory.limit_in_bytes'
  for (const text of [
    '9223372036854771712', // pages of 4 KiB
    '9223372036854710272', // pages of 64 KiB
    '9223372036854775807',
    '18446744073709551615', // kernels before 3.19
    '-1',
    '',
  ]) {
    const { memory } = read(t, { ...hybrid, [own]: `${text}\n` })
    t.match(memory(), { limitBytes: undefined, workingSetBytes: 41_943_040 }, text)
  }
  const noQuota = read(t, { ...hybrid, 'sys/fs/cgroup/cpu/tests/app/cpu.cfs_quota_us': '-1\n' })
  t.match(noQuota.cpu(), { quotaCores: undefined })
  const max = read(t, { ...container2, 'sys/fs/cgroup/memory.max': 'max\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' })
  t.match(max.memory(), { limitBytes: undefined, workingSetBytes: 40_000_000 })
  t.match(max.cpu(), { quotaCores: undefined, usedSeconds: 4.5 })
  // The root of version 2 has neither limits nor usage; other systems have no cgroups.
  const { 'proc/self/cgroup': cgroup, 'proc/self/mountinfo': mountinfo } = container2 as Record<string, string>
  for (const tree of [{ 'proc/self/cgroup': cgroup!, 'proc/self/mountinfo': mountinfo! }, {}]) {
    const { root, memory, cpu } = read(t, tree)
    t.same([memory(), cpu()], [undefined, undefined])
    const { observedValue = 0 } = (await memoryCheck({ cgroupRoot: root }).run(signal)) as CheckResult
    t.ok(observedValue > 0 && observedValue < totalmem(), 'then the machine’s memory is measured')
    t.match(await cpuCheck({ cgroupRoot: root }).run(signal), { status: 'pass' })
  }
})

t.test('a path outside of the namespace, or one that is not mounted, is read at the mount', async (t) => {
  for (const path of ['/../..', '/gone/away']) {
    const { memory } = read(t, { ...container2, 'proc/self/cgroup': `0::${path}\n` })
    t.match(memory(), { limitBytes: 134_217_728 })
  }
})

t.test('the checks measure against the limit and the quota, and see them change', async (t) => {
  const { root, write } = read(t, container2)
  const memory = memoryCheck({ cgroupRoot: root, maxUsage: 0.5 })
  t.match(await memory.run(signal), { status: 'pass', observedValue: 40_000_000, observedUnit: 'bytes' })
  write('sys/fs/cgroup/memory.current', '150000000\n')
  t.match(await memory.run(signal), { status: 'fail', output: '70000000 of 134217728 bytes are in use, above 50 %' })
  write('sys/fs/cgroup/memory.max', '268435456\n')
  t.match(await memory.run(signal), { status: 'pass' })

  const cpu = cpuCheck({ cgroupRoot: root })
  t.match(await cpu.run(signal), { status: 'pass' }, 'the first run has nothing to compare with')
  const startMs = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.match(await cpu.run(signal), { status: 'pass', observedValue: 0, observedUnit: 'percent' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  // As much as a quarter of a core has given meanwhile, and more.
  const usec = 4_500_000 + 250 * (performance.now() - startMs)
  write('sys/fs/cgroup/cpu.stat', `usage_usec ${Math.round(usec)}\nnr_periods 110\nnr_throttled 26\n`)
  const { status, output } = (await cpu.run(signal)) as CheckResult
  t.equal(status, 'fail')
  t.match(output, /% of 0\.25 cores are in use, above 90 %; the quota ran out in 60 % of the periods, above 25 %$/)
})
