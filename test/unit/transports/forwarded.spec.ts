import { verifiedHeaders } from '../../../lib/transports/http/forwarded.js';

const HOST = { host: 'api.test' };
const forwarded = (host: string, protocol = 'https') => ({
  ...HOST,
  'x-forwarded-host': host,
  'x-forwarded-proto': protocol,
});
const socket = { remoteAddress: '10.0.0.1' };
/** Requests of an application that trusts the peer, or not, as each platform shows them. */
const express = (trusted: boolean) => ({
  socket,
  app: { get: (name: string) => name === 'trust proxy fn' && ((peer: string) => trusted && peer === '10.0.0.1') },
});
const fastify = (host: string, ips: string[] | undefined = ['10.0.0.1']) => ({ raw: { socket }, host, ips });
const middleware = (hostname: string, ips: string[] | undefined = ['10.0.0.1']) => ({ socket, hostname, ips });

describe('verifiedHeaders()', () => {
  it('returns the headers of the request if none is forwarded', () => {
    const headers = { ...HOST, accept: 'text/html', 'x-forwarded-for': '10.0.0.2' };
    expect(verifiedHeaders({ headers })).toBe(headers);
  });

  it.each<[string, object, boolean]>([
    ['Node’s own request', { socket }, false],
    ['Express without trust', express(false), false],
    ['Express with trust', express(true), true],
    ['Express with trust in another peer', { ...express(true), socket: { remoteAddress: '10.0.0.9' } }, false],
    ['Express with trust, without a socket', { ...express(true), socket: null }, false],
    ['something with a setting of another kind', { app: { get: () => true } }, false],
    ['something with no settings at all', { app: {} }, false],
    ['Fastify without trust', fastify('api.test', undefined), false],
    ['Fastify with trust in another peer', fastify('api.test'), false],
    ['Fastify with trust', fastify('app.test'), true],
    ['Fastify without trust that names another host', { ...fastify('app.test'), ips: undefined }, false],
    ['a middleware of Fastify without trust', middleware('api.test', undefined), false],
    ['a middleware of Fastify with trust in another peer', middleware('api.test'), false],
    ['a middleware of Fastify with trust', middleware('app.test'), true],
  ])('for %s, trusts the forwarded host: %p', (_, source, isBelieved) => {
    const headers = forwarded('app.test:8443');
    const given = 'hostname' in source ? headers : forwarded('app.test');
    expect(verifiedHeaders({ ...source, headers: given })['x-forwarded-host']).toBe(
      isBelieved ? given['x-forwarded-host'] : undefined,
    );
  });

  it.each<[string, object, string, string]>([
    [
      'names it first, though the request’s own host comes last',
      fastify('api.test'),
      'evil.test, api.test',
      'api.test',
    ],
    ['names its own port', middleware('api.test'), 'api.test:9999', 'api.test:3000'],
    ['names it after a host that ends early', middleware(''), '[evil', '[evil'],
    ['names no host', middleware(''), '', ''],
  ])('for Fastify, drops the forwarded host if an untrusted peer %s', (_, source, host, own) => {
    const headers = { host: own, 'x-forwarded-host': host };
    expect(verifiedHeaders({ ...source, headers })).toEqual({ host: own });
  });

  it('for HTTP/2, compares with the :authority header', () => {
    const headers = { ':authority': 'api.test', 'x-forwarded-host': 'evil.test, api.test' };
    expect(verifiedHeaders({ ...fastify('api.test'), headers })).toEqual({ ':authority': 'api.test' });
    const strange = { ':authority': ['api.test'], 'x-forwarded-host': 'api.test' } as never;
    expect(verifiedHeaders({ ...fastify('api.test'), headers: strange })).toHaveProperty('x-forwarded-host');
  });

  it.each<[string, Record<string, string>, string | undefined]>([
    ['an origin', forwarded('app.test'), 'app.test'],
    ['an origin with its port', forwarded('app.test:443'), 'app.test:443'],
    ['an origin in capitals', forwarded('APP.test', 'HTTPS'), 'APP.test'],
    ['the first of several', forwarded('app.test, proxy.test', 'https, http'), 'app.test'],
    ['an origin of another protocol', forwarded('app.test', 'http'), undefined],
    ['an origin of no protocol', { ...HOST, 'x-forwarded-host': 'app.test' }, undefined],
    ['an origin with another port', forwarded('app.test:8443'), undefined],
    ['another after an origin', forwarded('evil.test, app.test'), undefined],
    ['an origin with a user', forwarded('app.test@evil.test'), undefined],
    ['an origin behind a user', forwarded('user@app.test'), undefined],
    ['an origin with a path', forwarded('app.test/x'), undefined],
    ['an origin with a dot behind it', forwarded('app.test.'), undefined],
    ['a subdomain', forwarded('evil.app.test'), undefined],
  ])('keeps %s if it is one of the origins of the application', (_, headers, expected) => {
    expect(verifiedHeaders({ headers }, ['https://app.test'])['x-forwarded-host']).toBe(expected);
  });

  it('uses the protocol of the connection if none is forwarded', () => {
    const headers = { ...HOST, 'x-forwarded-host': 'app.test' };
    const source = { headers, socket: { encrypted: true } };
    expect(verifiedHeaders(source, ['https://app.test'])).toEqual(headers);
    expect(verifiedHeaders({ headers, raw: source }, ['https://app.test'])).toEqual(headers);
    expect(verifiedHeaders(source, ['http://app.test'])).toEqual(HOST);
  });

  it.each([
    ...[
      '',
      ' ',
      'a b',
      'a\tb',
      'user@app.test',
      'user:password@app.test',
      'https://app.test',
      'app.test/x',
      'app.test?x',
    ],
    ...[
      'app.test#x',
      'app.test\\x',
      '[::1',
      '::1',
      '[::1]evil',
      'app.test:',
      'app.test:99999',
      'app.test:80:80',
      'ex\u00e4mple.test',
    ],
    ...['a%0d%0ab', '1.2.3.4.5', '%65vil.test', ', app.test', '"app.test"', 'app.test;x'],
  ])('drops %j, which is not a host, even from a trusted proxy', (host) => {
    expect(verifiedHeaders({ ...express(true), headers: forwarded(host) })).not.toHaveProperty('x-forwarded-host');
  });

  it.each(['app.test', 'app.test:8080', 'app.test.', 'a_b.test', '127.0.0.1:80', '[::1]', '[::1]:3000'])(
    'hold a host such as %s where the proxy is trusted',
    (host) => {
      expect(verifiedHeaders({ ...express(true), headers: forwarded(`${host}, other.test`) })).toMatchObject({
        'x-forwarded-host': host,
      });
    },
  );

  it.each<[string | string[], string | undefined]>([
    ['https', 'https'],
    ['http', 'http'],
    [' HTTPS ', 'https'],
    ['https , http', 'https'],
    [['https', 'http'], 'https'],
    ['javascript', undefined],
    ['javascript,https', undefined],
    ['https:', undefined],
    ['https://evil.test/?', undefined],
    ['httpsx', undefined],
    ['file', undefined],
    ['', undefined],
  ])('keeps a forwarded protocol only if it is http or https: %j becomes %j', (given, expected) => {
    for (const source of [{}, express(true)]) {
      const headers = { ...HOST, 'x-forwarded-proto': given, 'cloudfront-forwarded-proto': given } as never;
      const due = expected ? { 'x-forwarded-proto': expected, 'cloudfront-forwarded-proto': expected } : {};
      expect(verifiedHeaders({ ...source, headers })).toEqual({ ...HOST, ...due });
    }
  });

  it('keeps x-forwarded-proto separate from the header of CloudFront', () => {
    const headers = { ...HOST, 'cloudfront-forwarded-proto': 'https' };
    expect(verifiedHeaders({ headers })).toEqual(headers);
    expect(verifiedHeaders({ headers: { ...headers, 'x-forwarded-proto': 'ftp' } })).toEqual(headers);
  });
});
