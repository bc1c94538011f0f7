import type { Header } from '../../support/raw-http.js';
import { inBoth, inHeader, request, type Attack, type Family, UNAUTHORIZED } from './entry.js';

const CORS = 'Fetch Standard §3.2 (CORS protocol)';

/** Asked before a request with credentials is sent. */
const preflight = (name: string, origin: string, ...more: Header[]): Attack =>
  request(
    name,
    CORS,
    () => ({
      method: 'OPTIONS',
      headers: [
        ['Origin', origin],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'authorization'],
        ...more,
      ],
    }),
    UNAUTHORIZED,
  );

const cookie: Header = ['Cookie', '__session=x.y.z; __client_uat=1; __clerk_db_jwt=d'];

const simple = (name: string, source: string, ...headers: Header[]): Attack =>
  request(name, source, () => ({ headers }));

/** No answer of ours ever opens it to another origin: that is for the application's own CORS to say. */
export const crossOrigin: Family = {
  name: 'cross-origin',
  control: ({ good }) => [
    ...inBoth(good.session),
    { headers: [...(inHeader(good.session).headers ?? []), ['Origin', 'https://evil.example']] },
    { headers: [...(inHeader(good.session).headers ?? []), ['Origin', 'null']] },
  ],
  attacks: [
    preflight('a preflight of a stranger', 'https://evil.example'),
    preflight('a preflight of nobody', 'null'),
    preflight('a preflight with a cookie', 'https://evil.example', cookie),
    preflight('a preflight with a token', 'https://evil.example', ['Authorization', 'Bearer x.y.z']),
    preflight('a preflight to a private network', 'https://evil.example', [
      'Access-Control-Request-Private-Network',
      'true',
    ]),
    simple('an origin of a stranger', 'CWE-942', ['Origin', 'https://evil.example'], cookie),
    simple('an origin that is null', 'CWE-942', ['Origin', 'null'], cookie),
    simple('two origins', 'CWE-942', ['Origin', 'https://api.example.com'], ['Origin', 'https://evil.example']),
    simple('an origin that is no URL', 'CWE-942', ['Origin', 'https://[evil'], cookie),
    simple(
      'a stale handshake of a stranger',
      'CWE-942',
      ['Origin', 'null'],
      ['Cookie', '__clerk_handshake_nonce=x; __clerk_db_jwt=d'],
    ),
    simple(
      'a program that passes for a navigation',
      'CWE-942',
      ['Origin', 'null'],
      ['Sec-Fetch-Dest', 'empty'],
      ['Accept', 'text/html'],
      cookie,
    ),
  ],
};
