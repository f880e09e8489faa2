/** Measures one subject and reports its figures: a process of its own, so that it has a heap and compiled code of its own. */
import { report } from '@steadfast/testing'
import type { Task } from './task.js'

const task = JSON.parse(process.argv[2]!) as Task
setInterval(() => {}, 60_000) // a subject may wait for a thread that does not keep the process alive
const { measure } = await import(`./${task.bench}/measure.js`)
const { start } = await import(`./${task.bench}/${task.subject}.js`)
report(await measure(start, task))
process.exit(0)
