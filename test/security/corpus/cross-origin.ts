import type { Header } from '../../support/raw-http.js';
import { inBoth, inHeader, request, type Attack, type Family, UNAUTHORIZED } from './entry.js';

const CORS = 'Fetch Standard §3.2 (CORS protocol)';

/** A preflight request, which browsers send before a request with credentials. */
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

/** Our responses never have CORS headers: only the application's own CORS settings allow other origins. */
export const crossOrigin: Family = {
  name: 'cross-origin requests',
  control: ({ good }) => [
    ...inBoth(good.session),
    { headers: [...(inHeader(good.session).headers ?? []), ['Origin', 'https://evil.example']] },
    { headers: [...(inHeader(good.session).headers ?? []), ['Origin', 'null']] },
  ],
  attacks: [
    preflight('a preflight from another origin', 'https://evil.example'),
    preflight('a preflight from the origin null', 'null'),
    preflight('a preflight with a cookie', 'https://evil.example', cookie),
    preflight('a preflight with a token', 'https://evil.example', ['Authorization', 'Bearer x.y.z']),
    preflight('a preflight for private network access', 'https://evil.example', [
      'Access-Control-Request-Private-Network',
      'true',
    ]),
    simple('another origin', 'CWE-942', ['Origin', 'https://evil.example'], cookie),
    simple('the origin null', 'CWE-942', ['Origin', 'null'], cookie),
    simple('two Origin headers', 'CWE-942', ['Origin', 'https://api.example.com'], ['Origin', 'https://evil.example']),
    simple('an origin that is not a URL', 'CWE-942', ['Origin', 'https://[evil'], cookie),
    simple(
      'a stale handshake nonce from the origin null',
      'CWE-942',
      ['Origin', 'null'],
      ['Cookie', '__clerk_handshake_nonce=x; __clerk_db_jwt=d'],
    ),
    simple(
      'a fetch that accepts text/html',
      'CWE-942',
      ['Origin', 'null'],
      ['Sec-Fetch-Dest', 'empty'],
      ['Accept', 'text/html'],
      cookie,
    ),
  ],
};
