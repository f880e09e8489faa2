import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeBinary, type nodeMajors } from './node-binary.js'

const run = promisify(execFile)

/** Closes what a test file prints if all of it passed. */
const passed = /^# \{ total: \d+, pass: \d+ \}$/m

/**
 * Runs a compiled test file on another version of Node.
 * @param env besides PATH
 * @returns what failed, in the file's own words; '' if nothing did
 */
export async function failuresOn(
  major: (typeof nodeMajors)[number],
  file: URL,
  env: Record<string, string> = {},
): Promise<string> {
  const all = { PATH: process.env.PATH, ...env }
  const ran: Promise<{ stdout: string; stderr: string }> = run(nodeBinary(major), [fileURLToPath(file)], {
    env: all,
    maxBuffer: 64e6,
  })
  const { stdout, stderr } = await ran.catch((error) => error)
  if (passed.test(stdout)) return ''
  return failuresIn(stdout) || `${stdout}\n${stderr}`.slice(-4_000)
}

/** Each line that says "not ok", and what stands indented below it. */
function failuresIn(output: string): string {
  const found: string[] = []
  let indent = -1
  for (const line of output.split('\n')) {
    const at = line.search(/\S/)
    if (line.trimStart().startsWith('not ok')) indent = at
    else if (indent >= 0 && at >= 0 && at <= indent) indent = -1
    if (indent >= 0) found.push(line)
  }
  return found.join('\n')
}
