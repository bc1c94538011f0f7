import type { Callers } from '../local-clerk.js';

/** Lines to paste into a shell; behind each `#` what it answers: `data`, or the code of the error. */
export function operations(origin: string, { ada, grace }: Pick<Callers, 'ada' | 'grace'>): string[] {
  const curl = (query: string, answer: string, token?: string) =>
    `curl -X POST -H 'Content-Type: application/json' ${token ? `-H 'Authorization: Bearer ${token}' ` : ''}` +
    `-d '${JSON.stringify({ query })}' ${origin}/graphql # ${answer}`;
  const create = 'mutation { createInvoice(customer: "Night Library") { id customer } }';
  return [
    curl('{ vat }', 'data: open to everybody'),
    curl('{ invoices { id } }', 'UNAUTHENTICATED: nobody is signed in'),
    curl(create, 'data: Ada holds org:invoices:create at Acme', ada),
    curl('{ invoices { id customer } }', 'data: the invoices of Acme', ada),
    curl(create, 'FORBIDDEN: Grace lacks org:invoices:create at Globex', grace),
  ];
}
