import { createServer, type AddressInfo } from 'node:net';

import autocannon from 'autocannon';

import type { AppOptions } from './apps.js';
import { Child } from './child.js';
import type { Usage, UsageQuery } from './server.js';

/** The requests to send. They are distributed over the connections. */
export interface Load {
  readonly path: string;
  /** The headers of each request in turn. */
  readonly headers: readonly Readonly<Record<string, string>>[];
  /** How long to send them, repeatedly. @default until each was sent once */
  readonly seconds?: number;
}

export interface Measured {
  readonly requests: number;
  /** Requests per second of wall-clock time. */
  readonly perSecond: number;
  /** Requests per second of the server's CPU time, which depends least on other processes. */
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

/** An application in a child process, whose performance is measured under load. */
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

  usage(query: UsageQuery = 'usage'): Promise<Usage> {
    return this.child.ask(query);
  }

  async load({ path, headers, seconds }: Load): Promise<Measured> {
    const requests = headers.map((each) => ({ method: 'GET' as const, path, headers: { ...each } }));
    let client = 0;
    const before = await this.usage();
    const result = await autocannon({
      url: `http://127.0.0.1:${this.child.ready.port}`,
      connections: Math.min(CONNECTIONS, requests.length > 1 ? requests.length : CONNECTIONS),
      ...(seconds === undefined ? { amount: requests.length } : { duration: seconds }),
      // Each connection sends a part of the requests, so that all are sent once before any is sent again.
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
