import type { Command } from '../commands.js';

/** Operations of the GraphQL sample, each with its response: `data`, or the code of the error. */
export function operations(origin: string): Command[] {
  const curl = (query: string, response: string, variable?: string): Command => ({
    command:
      `curl -X POST -H 'Content-Type: application/json' ${variable ? `-H "Authorization: Bearer $${variable}" ` : ''}` +
      `-d '${JSON.stringify({ query })}' ${origin}/graphql`,
    response,
  });
  const create = 'mutation { createInvoice(customer: "Night Library") { id customer } }';
  return [
    curl('{ vat }', 'data: open to everyone'),
    curl('{ invoices { id } }', 'UNAUTHENTICATED: no one is signed in'),
    curl(create, 'data: Ada has org:invoices:create at Acme', 'ADA'),
    curl('{ invoices { id customer } }', 'data: the invoices of Acme', 'ADA'),
    curl(create, 'FORBIDDEN: Grace lacks org:invoices:create at Globex', 'GRACE'),
  ];
}
