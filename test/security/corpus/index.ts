import { algorithms } from './algorithms.js';
import { carriers, schemes } from './carriers.js';
import { claims } from './claims.js';
import { cookies } from './cookies.js';
import { crossOrigin } from './cross-origin.js';
import { encoding } from './encoding.js';
import type { Family } from './entry.js';
import { foreignCookies } from './foreign-cookies.js';
import { headers } from './headers.js';
import { http } from './http.js';
import { json } from './json.js';
import { keyIds } from './key-ids.js';
import { parties } from './parties.js';
import { permissions, prototypes } from './prototypes.js';
import {
  handshakes,
  handshakesByFunction,
  handshakesByProxy,
  handshakesByProxyUrl,
  redirects,
  redirectsElsewhere,
  redirectsInProduction,
} from './redirects.js';
import { tenants } from './tenants.js';
import { tokenTypes } from './token-types.js';
import { hostsWithoutCredentials, navigationsWithoutCredentials, withoutCredentials } from './without-credentials.js';

/** Every attack, by family. */
export const CORPUS: readonly Family[] = [
  ...[algorithms, headers, keyIds, encoding, json, claims, prototypes, permissions, parties],
  ...[
    carriers,
    schemes,
    cookies,
    foreignCookies,
    withoutCredentials,
    navigationsWithoutCredentials,
    hostsWithoutCredentials,
    ...tenants,
    ...tokenTypes,
    http,
    crossOrigin,
    redirects,
    redirectsElsewhere,
    redirectsInProduction,
    handshakes,
    handshakesByProxyUrl,
    handshakesByFunction,
    handshakesByProxy,
  ],
];
