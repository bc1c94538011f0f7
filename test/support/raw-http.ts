import { connect } from 'node:net';

import type { Answer } from './test-app.js';

/** One header line of a request. */
export type Header = readonly [name: string, value: string];

/** A request as it is sent: nothing is checked, added or reordered. */
export interface RawRequest {
  /** @default 'GET' */
  readonly method?: string;
  readonly target: string;
  /** Sent in this order, including duplicates. `Host` is added if it is missing. */
  readonly headers?: readonly Header[];
  /** The text after the headers. */
  readonly body?: string;
  /** How text is encoded: with `latin1`, each character is one byte. @default 'utf8' */
  readonly encoding?: 'utf8' | 'latin1';
}

export interface RawAnswer extends Answer {
  /** The header lines, as received. */
  readonly lines: readonly string[];
}

/** Sends bytes that no HTTP client would send, and reads the response. The status is 0 if there is none. */
export function exchange(
  port: number,
  { method = 'GET', target, headers = [], body = '', encoding = 'utf8' }: RawRequest,
): Promise<RawAnswer> {
  const named = headers.some(([name]) => name.toLowerCase() === 'host');
  const lines = [
    ...(named ? [] : [['Host', 'api.example.com'] as const]),
    ...headers,
    ['Connection', 'close'] as const,
  ];
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${method} ${target} HTTP/1.1\r\n${head}\r\n${body}`, encoding);
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that rejects a request before it has read all of it may reset the connection after its response.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(parse(Buffer.concat(chunks), encoding)));
    socket.setTimeout(10_000, () => socket.destroy());
  });
}

function parse(bytes: Buffer, encoding: 'utf8' | 'latin1'): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.subarray(0, Math.max(end, 0)).toString(encoding).split('\r\n');
  // Interim responses, such as "100 Continue".
  if (/^HTTP\/1\.1 1\d\d /.test(statusLine)) return parse(bytes.subarray(end + 4), encoding);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const sent = end < 0 ? bytes : bytes.subarray(end + 4);
  const body = (headers.get('transfer-encoding') === 'chunked' ? joined(sent) : sent).toString(encoding);
  const json = /json/.test(headers.get('content-type') ?? '') && body !== '';
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, lines, body: json ? JSON.parse(body) : body };
}

/** A chunked body, decoded. */
function joined(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const start = rest.indexOf('\r\n') + 2;
    const size = parseInt(rest.toString('latin1', 0, start), 16);
    if (!(size > 0)) break;
    chunks.push(rest.subarray(start, start + size));
    rest = rest.subarray(start + size + 2);
  }
  return Buffer.concat(chunks);
}
