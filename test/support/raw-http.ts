import { connect } from 'node:net';

/** An answer as it went over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Each line of the head after the first, as it is. */
  readonly lines: readonly string[];
  readonly body: string;
}

/** One header as its name and its value, which may stand several times. */
export type HeaderLine = readonly [name: string, value: string];

/** Sends a request byte for byte, whatever a client would make of it: texts hold one character for each byte. */
export function sendRaw(
  port: number,
  method: string,
  target: string,
  headers: readonly HeaderLine[],
): Promise<RawAnswer> {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1');
    });
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => {
      const end = answer.indexOf('\r\n\r\n');
      const [first = '', ...rest] = answer.slice(0, end < 0 ? undefined : end).split('\r\n');
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]), lines: rest, body: answer.slice(end + 4) });
    });
    // A server that has read enough answers and hangs up, which may arrive as a reset: the answer counts.
    socket.on('error', (error) => answer === '' && reject(error));
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
  });
}
