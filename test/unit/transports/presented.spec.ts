import { maxHeaderSize } from 'node:http';

import { Logger, type ExecutionContext } from '@nestjs/common';

import { CallCredentials } from '../../../lib/transports/call.credentials.js';
import type { Call } from '../../../lib/transports/calls.js';
import { Denied, type Denial } from '../../../lib/errors/denial.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import { presentedCredentials } from '../../../lib/transports/presented.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const context = { of: 'this call' } as unknown as ExecutionContext;
const call = { source: { is: 'source' } } as unknown as Call;
const FAILED: Denial = {
  status: 500,
  code: 'invalid-configuration',
  message: 'Authentication is misconfigured on this server.',
};
const UNREADABLE: Denial = {
  status: 400,
  code: 'malformed-request',
  message: 'The credentials of this call cannot be read.',
};

describe('presentedCredentials()', () => {
  let logger: RecordingLogger;
  beforeEach(() => Logger.overrideLogger((logger = new RecordingLogger())));
  afterAll(() => Logger.overrideLogger(['log', 'warn', 'error']));

  const presented = (ask: (context: ExecutionContext) => unknown) =>
    presentedCredentials(
      { option: 'rpc.credentials', headers: ['authorization', 'cookie'], extract: ask },
      context,
      () => call,
      new LogThrottle(),
    );
  const HEADERS = { authorization: undefined, cookie: undefined };

  it.each<[unknown, object]>([
    ['t', { authorization: 'Bearer t' }],
    ['Bearer t', { authorization: 'Bearer t' }],
    ['bearer t', { authorization: 'Bearer bearer t' }],
    ['', {}],
    [undefined, {}],
    [null, {}],
    [{}, {}],
    [
      { authorization: 't', cookie: 'a=b', host: 'evil' },
      { authorization: 't', cookie: 'a=b' },
    ],
    [
      { authorization: '', cookie: '\t ~' },
      { authorization: '', cookie: '\t ~' },
    ],
    [{ authorization: null }, {}],
    [{ then: 'no promise' }, {}],
  ])('%j', (answer, headers) => {
    const credentials = presented(() => answer) as CallCredentials;
    expect(credentials.headers).toEqual({ ...HEADERS, ...headers });
    expect(credentials.source).toBe(call.source);
    expect(credentials.carrier).toBe(call);
    expect(logger.lines).toEqual([]);
  });

  it.each<[unknown]>([
    [5],
    [true],
    [{ authorization: 5 }],
    [{ authorization: ['t'] }],
    [{ authorization: 't', cookie: {} }],
    ['a\nb'],
    ['\nb'],
    ['a\r\n'],
    ['é'],
    [{ cookie: '\0' }],
  ])('returns 400 for %j', (answer) => {
    expect(presented(() => answer)).toEqual(new Denied(UNREADABLE));
    expect(logger.lines).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['a value of gRPC metadata', ['Bearer t']],
    ['no value of gRPC metadata', []],
    ['a header of Kafka', Buffer.from('Bearer t')],
  ])('returns 400 and logs why for %s', (_, answer) => {
    expect(presented(() => answer)).toEqual(new Denied(UNREADABLE));
    expect(logger.ofGuard('warn')).toEqual([
      'warn rpc.credentials returned an array or a Buffer, so the call is denied: it must return a string, such as value?.toString() ClerkGuard',
    ]);
  });

  it('returns 400 for a value that is longer than any header', () => {
    const longest = 'a'.repeat(maxHeaderSize);
    for (const answer of [{ authorization: longest }, { cookie: longest }]) {
      expect(presented(() => answer)).toBeInstanceOf(CallCredentials);
    }
    for (const answer of [longest, { authorization: `${longest}a` }, { cookie: `${longest}a` }]) {
      expect(presented(() => answer)).toEqual(new Denied(UNREADABLE));
    }
  });

  it.each<[string, () => unknown, string]>([
    [
      'threw',
      () => {
        throw new RangeError('out of session');
      },
      'rpc.credentials threw, so the call is denied: out of session',
    ],
    [
      'threw what is no error',
      () => {
        throw 'a secret';
      },
      'rpc.credentials threw a non-Error value; the call is denied',
    ],
    [
      'returned a promise',
      () => Promise.reject(new Error('later')),
      'rpc.credentials returned a promise, so the call is denied: it must return the credentials synchronously',
    ],
  ])('returns 500 and logs why if the function %s', async (_, ask, line) => {
    expect(presented(ask)).toEqual(new Denied(FAILED));
    expect(logger.ofGuard('error')).toEqual([`error ${line} undefined ClerkGuard`]);
    // A rejection that nobody waits for would end the process.
    await new Promise(setImmediate);
  });

  it('returns the source and the carrier of the registered call', () => {
    expect(presented((asked) => (asked === context ? 't' : undefined))).toMatchObject({
      headers: { authorization: 'Bearer t' },
    });
  });

  it('creates one POST request that never leads to a handshake', () => {
    const credentials = presented(() => 't') as CallCredentials;
    expect(credentials).toMatchObject({ method: 'POST', target: '/', isEncrypted: false });
    const { request } = credentials;
    expect([request.method, request.url, [...request.headers]]).toEqual([
      'POST',
      'http://localhost/',
      [['authorization', 'Bearer t']],
    ]);
    expect(credentials.request).toBe(request);
  });
});
