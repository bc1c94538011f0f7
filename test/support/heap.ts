import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The used heap after garbage collection, in bytes. */
export function heap(): number {
  for (let time = 0; time < 2; time++) collectGarbage();
  return process.memoryUsage().heapUsed;
}

/**
 * The lowest of up to four measurements, or the first that is low enough: other activity in this process can make one
 * too high, while retained memory makes all of them high.
 */
export async function least(measure: () => number | Promise<number>, enough: number): Promise<number> {
  let lowest = Infinity;
  for (let time = 0; time < 4 && lowest >= enough; time++) lowest = Math.min(lowest, await measure());
  return lowest;
}
