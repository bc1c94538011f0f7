import { createServer, type AddressInfo } from 'node:net';

import autocannon from 'autocannon';

import type { AppOptions } from './apps.js';
import { Child } from './child.js';
import type { Query, Ready, Usage } from './server.js';

export type Headers = Readonly<Record<string, string>>;

/** The requests to send. They are distributed over the connections. */
export interface Load {
  readonly path: string;
  /** The headers of each request in turn, from the beginning again after the last. */
  readonly headers: readonly Headers[];
  /** How many requests to send. @default one for each of `headers` */
  readonly requests?: number;
  /** The expected status of every response, since denials could be faster. @default 200 */
  readonly status?: number;
}

const CONNECTIONS = 8;
/** How often autocannon checks whether all responses are there. */
const CHECK_INTERVAL_MS = 20;

/** An application in a child process, whose performance is measured under load. */
export class Subject {
  private constructor(private readonly child: Child<Ready>) {}

  static async start(options: AppOptions & { workers?: number }, execArgv: readonly string[] = []): Promise<Subject> {
    const env = { BENCH_PORT: String(await freePort()) };
    return new Subject(await Child.start<Ready>(new URL('./server.js', import.meta.url), options, { execArgv, env }));
  }

  /** The CPU time of the boot, in microseconds. */
  get bootCpu(): number {
    return this.child.ready.bootCpu;
  }

  stop(): void {
    this.child.stop();
  }

  usage(query: Query = 'usage'): Promise<Usage> {
    return this.child.ask(query);
  }

  /**
   * Sends the requests.
   * @returns the server's CPU time for each request, in microseconds: it depends least on other processes.
   */
  async load({ path, headers, requests: amount = headers.length, status = 200 }: Load): Promise<number> {
    const requests = headers.map((each) => ({ method: 'GET' as const, path, headers: { ...each } }));
    const connections = Math.min(CONNECTIONS, amount, requests.length > 1 ? requests.length : CONNECTIONS);
    let client = 0;
    const before = await this.usage();
    const result = await autocannon({
      url: `http://127.0.0.1:${this.child.ready.port}`,
      connections,
      amount,
      sampleInt: CHECK_INTERVAL_MS,
      // Each connection sends a part of the requests, so that all are sent once before any is sent again.
      setupClient: (one) => {
        const own = client;
        one.setRequests(requests.length > 1 ? requests.filter((_, index) => index % connections === own) : requests);
        client += 1;
      },
    });
    const after = await this.usage();
    const expected = result.statusCodeStats?.[`${status}`]?.count ?? 0;
    if (expected < amount) {
      throw new Error(
        `${path}: ${expected} of ${amount} responses had status ${status}, not the others: ${JSON.stringify(result.statusCodeStats)}`,
      );
    }
    return (after.cpu - before.cpu) / amount;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
