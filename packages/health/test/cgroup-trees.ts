import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'

/** Files by their paths below the root, as recorded from machines and containers. */
export type Tree = Record<string, string>

/** Lays a tree out, for as long as the test. Gives its root, and the way to change a file of it. */
export function layOut(t: Test, tree: Tree): { root: string; write: (path: string, text: string) => void } {
  const root = mkdtempSync(join(tmpdir(), 'cgroup-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, text] of Object.entries(tree)) write(path, text)
  return { root, write }
}

const v1Unlimited = '9223372036854771712\n'

/** Version 1 with every controller on its own, and an empty hierarchy of version 2 besides: hybrid. */
export const hybrid: Tree = {
  'proc/self/cgroup': `9:name=systemd:/
8:pids:/
4:memory:/tests/app
2:cpuacct:/
1:cpu:/tests/app
0::/
`,
  'proc/self/mountinfo': `23 1 254:0 / / rw,relatime - ext4 /dev/root rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
  'sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n',
  'sys/fs/cgroup/memory/memory.limit_in_bytes': v1Unlimited,
  'sys/fs/cgroup/memory/memory.usage_in_bytes': '900000000\n',
  'sys/fs/cgroup/memory/tests/memory.limit_in_bytes': v1Unlimited,
  'sys/fs/cgroup/memory/tests/app/memory.limit_in_bytes': '268435456\n',
  'sys/fs/cgroup/memory/tests/app/memory.usage_in_bytes': '104857600\n',
  'sys/fs/cgroup/memory/tests/app/memory.stat': `cache 83886080
inactive_file 1
total_cache 83886080
total_inactive_file 62914560
`,
  'sys/fs/cgroup/memory/tests/app/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n',
  'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
  'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  'sys/fs/cgroup/cpu/tests/cpu.cfs_quota_us': '-1\n',
  'sys/fs/cgroup/cpu/tests/cpu.cfs_period_us': '100000\n',
  'sys/fs/cgroup/cpu/tests/app/cpu.cfs_quota_us': '50000\n',
  'sys/fs/cgroup/cpu/tests/app/cpu.cfs_period_us': '100000\n',
  'sys/fs/cgroup/cpu/tests/app/cpu.stat': 'nr_periods 40\nnr_throttled 10\nthrottled_time 1500000000\n',
  'sys/fs/cgroup/cpuacct/cpuacct.usage': '8000000000000\n',
}

/** Docker on version 1 without a cgroup namespace: the mounts show the container's own part, under its host name. */
export const docker1: Tree = {
  'proc/self/cgroup': `11:cpu,cpuacct:/docker/4f2e
4:memory:/docker/4f2e
1:name=systemd:/docker/4f2e
`,
  'proc/self/mountinfo': `800 790 0:30 /docker/4f2e /sys/fs/cgroup/cpu,cpuacct ro,nosuid,nodev,noexec,relatime master:15 - cgroup cgroup rw,cpu,cpuacct
801 790 0:31 /docker/4f2e /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:16 - cgroup cgroup rw,memory
`,
  'sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
  'sys/fs/cgroup/memory/memory.usage_in_bytes': '100000000\n',
  'sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 40000000\n',
  'sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '150000\n',
  'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  'sys/fs/cgroup/cpu,cpuacct/cpu.stat': 'nr_periods 8\nnr_throttled 0\nthrottled_time 0\n',
  'sys/fs/cgroup/cpu,cpuacct/cpuacct.usage': '12500000000\n',
}

/** A container on version 2, in a cgroup namespace, as Docker and Kubernetes make them now. */
export const container2: Tree = {
  'proc/self/cgroup': '0::/\n',
  'proc/self/mountinfo': `1560 1555 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot
`,
  'sys/fs/cgroup/memory.max': '134217728\n',
  'sys/fs/cgroup/memory.current': '120000000\n',
  'sys/fs/cgroup/memory.stat': 'anon 30000000\nfile 90000000\ninactive_file 80000000\nactive_file 10000000\n',
  'sys/fs/cgroup/memory.events': 'low 0\nhigh 0\nmax 210\noom 3\noom_kill 3\noom_group_kill 0\n',
  'sys/fs/cgroup/cpu.max': '25000 100000\n',
  'sys/fs/cgroup/cpu.stat': `usage_usec 4500000
user_usec 4000000
system_usec 500000
nr_periods 100
nr_throttled 20
throttled_usec 2500000
`,
}

/** A systemd service on version 2 whose limits are set on its slice. The folder has a space in its name. */
export const systemd2: Tree = {
  'proc/self/cgroup': '0::/app.slice/my\\x20app.service\n',
  'proc/self/mountinfo': `24 1 8:1 / / rw - ext4 /dev/sda1 rw
35 24 0:30 / /sys/fs/cgroup\\040dir rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
`,
  'sys/fs/cgroup dir/cpu.stat': 'usage_usec 999000000\n',
  'sys/fs/cgroup dir/app.slice/memory.max': '1073741824\n',
  'sys/fs/cgroup dir/app.slice/memory.current': '700000000\n',
  'sys/fs/cgroup dir/app.slice/memory.stat': 'inactive_file 100000000\n',
  'sys/fs/cgroup dir/app.slice/memory.events': 'oom_kill 9\n',
  'sys/fs/cgroup dir/app.slice/cpu.max': '200000 100000\n',
  'sys/fs/cgroup dir/app.slice/cpu.stat': 'usage_usec 60000000\nnr_periods 5\nnr_throttled 1\nthrottled_usec 1000\n',
  'sys/fs/cgroup dir/app.slice/my\\x20app.service/memory.max': 'max\n',
  'sys/fs/cgroup dir/app.slice/my\\x20app.service/memory.current': '50000000\n',
  'sys/fs/cgroup dir/app.slice/my\\x20app.service/memory.stat': 'inactive_file 1000\n',
  'sys/fs/cgroup dir/app.slice/my\\x20app.service/memory.events': 'low 0\noom_kill 1\n',
  'sys/fs/cgroup dir/app.slice/my\\x20app.service/cpu.max': 'max 100000\n',
  'sys/fs/cgroup dir/app.slice/my\\x20app.service/cpu.stat': 'usage_usec 1000000\n',
}
