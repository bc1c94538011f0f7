import { LocalClerk } from 'nest-clerk/testing';

import type { Command } from './commands.js';

/** Long, since the commands may be pasted later. Clerk's own tokens live for a minute, and frontends refresh them. */
const ONE_DAY_IN_SECONDS = 24 * 60 * 60;

/** A token of each caller: two users, an API key and a machine. */
export interface Callers {
  readonly ada: string;
  readonly grace: string;
  readonly apiKey: string;
  readonly m2m: string;
}

/**
 * Creates the users and organizations of the samples. Ada may create invoices at Acme and is also a member of Globex; Grace
 * is a member of Globex without permissions.
 * @param authorizedParty The origin that the session tokens are issued for.
 */
export async function seed(clerk: LocalClerk, authorizedParty: string): Promise<Callers> {
  const acme = clerk.createOrganization({ name: 'Acme', slug: 'acme' });
  const globex = clerk.createOrganization({ name: 'Globex', slug: 'globex' });
  const ada = clerk.createUser({
    firstName: 'Ada',
    lastName: 'Lovelace',
    emailAddress: 'ada@acme.test',
  });
  const grace = clerk.createUser({
    firstName: 'Grace',
    lastName: 'Hopper',
    emailAddress: 'grace@globex.test',
  });
  clerk.addMember({
    organization: acme,
    user: ada,
    role: 'org:admin',
    permissions: ['org:invoices:create'],
  });
  clerk.addMember({ organization: globex, user: ada });
  clerk.addMember({ organization: globex, user: grace });
  const options = { authorizedParty, expiresIn: ONE_DAY_IN_SECONDS };
  return {
    ada: await clerk.sessionToken({ user: ada, organization: acme, ...options }),
    grace: await clerk.sessionToken({ user: grace, organization: globex, ...options }),
    apiKey: clerk.createApiKey({ subject: acme, name: 'export' }).secret,
    m2m: (await clerk.createM2MToken({ machine: clerk.createMachine({ name: 'billing' }) })).token,
  };
}

/** Requests to the HTTP sample, each with the status of its response and the reason. */
export function curlCommands(origin: string): Command[] {
  const curl = (path: string, response: string, variable?: string, options = ''): Command => ({
    command: `curl -i ${options}${variable ? `-H "Authorization: Bearer $${variable}" ` : ''}${origin}${path}`,
    response,
  });
  const invoice = `-X POST -H 'Content-Type: application/json' -d '{"customer":"Night Library","amountInCents":2500}' `;
  return [
    curl('/rates', '200 the route is public'),
    curl('/rates/live', '200 a stream of events, for Ada', 'ADA'),
    curl('/invoices', '200 Ada is signed in and sees the invoices of Acme', 'ADA'),
    curl('/invoices', '401 no one is signed in'),
    curl('/invoices', '403 Grace lacks org:invoices:create at Globex', 'GRACE', invoice),
    curl('/me', '200 Grace, as Clerk knows her', 'GRACE'),
    curl('/invoices', '201 Ada has org:invoices:create at Acme', 'ADA', invoice),
    curl('/invoices/export', '200 an API key of Acme', 'API_KEY'),
    curl('/invoices/export', '200 a machine of this application', 'M2M'),
    curl('/invoices/export', '401 a session token where only programs are accepted', 'ADA'),
    curl('/invoices', '401 an API key where a session token is required', 'API_KEY'),
  ];
}
