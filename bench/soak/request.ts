import { request as open, type Agent, type IncomingMessage } from 'node:http';

export interface Request {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** After how many milliseconds the client goes away. */
  readonly leaveAfter?: number;
}

/** What a client that went away before it had an answer is told. */
export const LEFT = 'left';

/** Sends a request. @returns its answer in a few words; never anything of the credentials. */
export async function send(agent: Agent, port: number, request: Request): Promise<string> {
  try {
    return await once(agent, port, request);
  } catch (error) {
    // The server may close a connection at the moment that it is used again; that is nobody's fault.
    if (error instanceof Closing) return once(agent, port, request).catch((again: Error) => again.message);
    return (error as Error).message;
  }
}

class Closing extends Error {}

function once(agent: Agent, port: number, { path, method, headers, leaveAfter }: Request): Promise<string> {
  return new Promise((resolve, reject) => {
    let leaving: NodeJS.Timeout | undefined;
    const settle = (answer: string) => (clearTimeout(leaving), resolve(answer));
    const sent = open({ agent, host: '127.0.0.1', port, path, method, headers }, (response) => {
      const isStream = response.headers['content-type']?.includes('event-stream') ?? false;
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const event = isStream ? /^data: (.*)\n/m.exec(text)?.[1] : undefined;
        if (event === undefined) return;
        settle(answerOf(response, event));
        sent.destroy();
      });
      response.on('end', () => settle(answerOf(response, text)));
      response.on('error', () => settle(LEFT));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(leaving);
      if (sent.destroyed && leaveAfter !== undefined) resolve(LEFT);
      else reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new Closing() : new Error(error.code));
    });
    sent.end();
    if (leaveAfter !== undefined) leaving = setTimeout(() => (sent.destroy(), resolve(LEFT)), leaveAfter);
  });
}

/** The status, and whom the handler was told of, where it leads, or the code of the refusal. */
function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): string {
  if (headers.location !== undefined) return `${statusCode} ${new URL(headers.location, 'http://localhost').pathname}`;
  const body = parse(text);
  if ('who' in body) return `${statusCode} ${String(body.who ?? 'nobody')}`;
  const { clerk_error: ofClerk, code } = body as { clerk_error?: { reason: string }; code?: string };
  return `${statusCode} ${ofClerk?.reason ?? code ?? 'without a code'}`;
}

function parse(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
