import { BadRequestException, Injectable } from '@nestjs/common';

export interface Invoice {
  readonly id: string;
  readonly organization: string;
  readonly customer: string;
  readonly amountInCents: number;
}

/** Stores invoices in memory, each with the slug of its organization. */
@Injectable()
export class InvoicesService {
  private readonly invoices: Invoice[] = [
    { id: 'inv_1', organization: 'acme', customer: 'Blue Bakery', amountInCents: 12_900 },
    { id: 'inv_2', organization: 'acme', customer: 'Corner Cinema', amountInCents: 4_950 },
    { id: 'inv_3', organization: 'globex', customer: 'Harbour Hotel', amountInCents: 88_000 },
  ];

  of(organization: string | null | undefined): Invoice[] {
    return this.invoices.filter((invoice) => invoice.organization === organization);
  }

  all(): Invoice[] {
    return [...this.invoices];
  }

  create(organization: string, draft: unknown): Invoice {
    const { customer, amountInCents } = (draft ?? {}) as Partial<Invoice>;
    if (typeof customer !== 'string' || !customer.trim() || !Number.isInteger(amountInCents)) {
      throw new BadRequestException('Send { "customer": "a name", "amountInCents": 1000 }.');
    }
    const invoice: Invoice = {
      id: `inv_${this.invoices.length + 1}`,
      organization,
      customer,
      amountInCents: amountInCents as number,
    };
    this.invoices.push(invoice);
    return invoice;
  }
}
