import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the Frontend API has received. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A stand-in for Clerk's Frontend API behind `frontendApiProxy`, which records what it receives. */
export class FrontendApi {
  readonly received: Received[] = [];
  /** The number of clients that disconnected before the end of their response. */
  abandoned = 0;
  private readonly answers = new Map<string, Answer>();
  private readonly waiting: (() => void)[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FrontendApi> {
    const server = createServer();
    const api = new FrontendApi(server);
    server.on('request', (request, response) => void api.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Sets the response for paths with this prefix, instead of 201 with a little JSON. */
  answer(path: string, answer: Answer): void {
    this.answers.set(path, answer);
  }

  /** Waits until the condition is true, which is checked whenever something has happened here. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  reset(): void {
    this.received.length = 0;
    this.abandoned = 0;
    this.answers.clear();
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableFinished) this.abandoned += 1;
      this.happened();
    });
    const { method = '', url = '', headers } = request;
    const [, answer] = [...this.answers].find(([path]) => url.startsWith(path)) ?? [];
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    this.received.push({ method, url, headers, body: Buffer.concat(chunks) });
    this.happened();
    if (answer) return answer(request, response);
    response.setHeader('set-cookie', ['__client=a; HttpOnly', '__client_uat=1']);
    response.writeHead(201, { 'content-type': 'application/json' }).end('{"from":"clerk"}');
  }

  private happened(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
