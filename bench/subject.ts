import { createServer, type AddressInfo } from 'node:net';

import autocannon from 'autocannon';

import type { AppOptions } from './apps.js';
import { Child } from './child.js';
import type { Question, Usage } from './server.js';

/** One request after the other, on each connection its own. */
export interface Load {
  readonly path: string;
  /** The headers of each request in turn. */
  readonly headers: readonly Readonly<Record<string, string>>[];
  /** In seconds; or until all headers were sent once. */
  readonly seconds?: number;
}

export interface Measured {
  readonly requests: number;
  /** Requests for each second that passed. */
  readonly perSecond: number;
  /** Requests for each second of the server's CPU: what a noisy neighbour does not change. */
  readonly perCpuSecond: number;
  /** In milliseconds. */
  readonly p99: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const CONNECTIONS = 8;

interface Ready {
  readonly port: string;
  readonly bootInMs: number;
}

/** An application in a process of its own, to be put under load. */
export class Subject {
  private constructor(private readonly child: Child<Ready>) {}

  static async start(options: AppOptions & { workers?: number }, execArgv: readonly string[] = []): Promise<Subject> {
    const env = { BENCH_PORT: String(await freePort()) };
    return new Subject(await Child.start<Ready>(new URL('./server.js', import.meta.url), options, { execArgv, env }));
  }

  get bootInMs(): number {
    return this.child.ready.bootInMs;
  }

  stop(): void {
    this.child.stop();
  }

  usage(question: Question = 'usage'): Promise<Usage> {
    return this.child.ask(question);
  }

  async load({ path, headers, seconds }: Load): Promise<Measured> {
    const requests = headers.map((each) => ({ method: 'GET' as const, path, headers: { ...each } }));
    let client = 0;
    const before = await this.usage();
    const result = await autocannon({
      url: `http://127.0.0.1:${this.child.ready.port}`,
      connections: Math.min(CONNECTIONS, requests.length > 1 ? requests.length : CONNECTIONS),
      ...(seconds === undefined ? { amount: requests.length } : { duration: seconds }),
      // Each connection has its share, so that no request is sent twice before all were sent once.
      setupClient: (one) => {
        const own = requests.length === 1 ? requests : requests.filter((_, index) => index % CONNECTIONS === client);
        client += 1;
        one.setRequests(own);
      },
    });
    const { cpu } = await this.usage();
    const sent = result['2xx'] + result.non2xx;
    return {
      requests: sent,
      perSecond: sent / result.duration,
      perCpuSecond: sent / ((cpu - before.cpu) / 1e6),
      p99: result.latency.p99,
      statuses: Object.fromEntries(
        Object.entries(result.statusCodeStats ?? {}).map(([code, { count }]) => [code, count ?? 0]),
      ),
    };
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
