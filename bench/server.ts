import cluster from 'node:cluster';

import { createApp, type AppOptions } from './apps.js';

/** What the process that measures asks of the one that is measured. */
export type Question = 'usage' | 'heap';
export interface Usage {
  /** In microseconds since the process began, of all threads. */
  readonly cpu: number;
  /** In bytes, after what can be collected was collected. */
  readonly heap: number;
}

declare const gc: (() => void) | undefined;

const options = JSON.parse(process.argv[2] as string) as AppOptions & { workers?: number };

if (cluster.isPrimary && options.workers) {
  await lead(options.workers);
} else {
  await serve();
}

async function serve(): Promise<void> {
  const began = process.hrtime.bigint();
  const app = await createApp(options);
  await app.listen(options.workers ? Number(process.env.BENCH_PORT) : 0, '127.0.0.1');
  const bootInMs = Number(process.hrtime.bigint() - began) / 1e6;
  process.on('message', (question: Question) => process.send?.(usage(question)));
  process.send?.({ port: new URL(await app.getUrl()).port, bootInMs });
}

function usage(question: Question): Usage {
  if (question === 'heap') gc?.();
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, heap: process.memoryUsage().heapUsed };
}

/** Starts workers behind one port, and answers for all of them. */
async function lead(count: number): Promise<void> {
  const workers = Array.from({ length: count }, () => cluster.fork());
  const [ready] = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  process.on('message', (question: Question) => {
    const answers = workers.map(
      (worker) => new Promise<Usage>((resolve) => (worker.once('message', resolve), worker.send(question))),
    );
    void Promise.all(answers).then((all) =>
      process.send?.({
        cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
        heap: all.reduce((sum, { heap }) => sum + heap, 0),
      }),
    );
  });
  process.send?.(ready);
}
