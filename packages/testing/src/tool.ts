import { askKeeper } from './keeper/client.js'
import type { ToolName } from './servers/tools.js'

/**
 * The path of a program that a test runs, such as `promtool`: found on this machine, or installed as the servers are.
 * @throws Error that tells how to get it.
 */
export function findTestTool(tool: ToolName): Promise<string> {
  return askKeeper({ do: 'find', tool })
}
