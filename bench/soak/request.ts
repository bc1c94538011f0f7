import { request as open, type Agent, type IncomingMessage } from 'node:http';

export interface Request {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** After how many milliseconds the client closes the connection. */
  readonly abortAfter?: number;
}

/** The answer to a request that the client aborted. */
export const ABORTED = 'aborted';

/** Sends a request. @returns a short form of its answer, without credentials. */
export async function send(agent: Agent, port: number, request: Request): Promise<string> {
  try {
    return await once(agent, port, request);
  } catch (error) {
    // The server may close an idle connection just as the client reuses it. That is not an error.
    if (error instanceof ConnectionClosedError)
      return once(agent, port, request).catch((again: Error) => again.message);
    return (error as Error).message;
  }
}

class ConnectionClosedError extends Error {}

function once(agent: Agent, port: number, { path, method, headers, abortAfter }: Request): Promise<string> {
  return new Promise((resolve, reject) => {
    let aborting: NodeJS.Timeout | undefined;
    const settle = (answer: string) => (clearTimeout(aborting), resolve(answer));
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
      response.on('error', () => settle(ABORTED));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(aborting);
      if (sent.destroyed && abortAfter !== undefined) resolve(ABORTED);
      else
        reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new ConnectionClosedError() : new Error(error.code));
    });
    sent.end();
    if (abortAfter !== undefined) aborting = setTimeout(() => (sent.destroy(), resolve(ABORTED)), abortAfter);
  });
}

/** The status, followed by the path of a redirect, the caller's identity, or the code of the denial. */
function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): string {
  if (headers.location !== undefined) return `${statusCode} ${new URL(headers.location, 'http://localhost').pathname}`;
  const body = parse(text);
  if ('who' in body) return `${statusCode} ${String(body.who ?? 'anonymous')}`;
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
