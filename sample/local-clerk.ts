import { LocalClerk } from 'nest-clerk/testing';

import type { Command } from './commands.js';

/** Long enough for tokens that are pasted after lunch. Clerk's own live for a minute, and frontends renew them. */
const ONE_DAY_IN_SECONDS = 24 * 60 * 60;

/** Two users in two organizations, and what each may send. */
export interface Callers {
  readonly ada: string;
  readonly grace: string;
  readonly apiKey: string;
  readonly m2m: string;
}

/**
 * Seeds a local Clerk: Ada may create invoices at Acme and is a member of Globex too, Grace only reads at Globex.
 * @param authorizedParty the origin that the session tokens are for
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
  const more = { authorizedParty, expiresIn: ONE_DAY_IN_SECONDS };
  return {
    ada: await clerk.sessionToken({ user: ada, organization: acme, ...more }),
    grace: await clerk.sessionToken({ user: grace, organization: globex, ...more }),
    apiKey: clerk.createApiKey({ subject: acme, name: 'export' }).secret,
    m2m: (await clerk.createM2MToken({ machine: clerk.createMachine({ name: 'billing' }) })).token,
  };
}

/** Calls of the HTTP sample, each with the status that it answers, and why. */
export function curlCommands(origin: string): Command[] {
  const curl = (path: string, answer: string, variable?: string, options = ''): Command => ({
    command: `curl -i ${options}${variable ? `-H "Authorization: Bearer $${variable}" ` : ''}${origin}${path}`,
    answer,
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
