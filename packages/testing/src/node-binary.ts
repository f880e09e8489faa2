import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The versions of Node that packages are tested on. */
export const nodeMajors = [20, 22, 24, 26] as const

/**
 * The path of another version of Node. npm has them as packages with nothing but the program, one for each kind of machine:
 * optional dependencies of this package, of which the fitting ones are installed.
 * @throws Error where npm has none for this machine
 */
export function nodeBinary(major: (typeof nodeMajors)[number]): string {
  const name = `node${major}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin/node')
  } catch (cause) {
    throw new Error(`Node ${major} for ${process.arch} is not installed: ${name} in packages/testing/package.json`, {
      cause,
    })
  }
}
