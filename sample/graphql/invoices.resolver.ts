import { Args, Field, Float, Int, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { Auth, Public, RequirePermission } from 'nest-clerk';

@ObjectType()
export class Invoice {
  @Field(() => Int) id!: number;
  @Field(() => String) customer!: string;
}

@Resolver(() => Invoice)
export class InvoicesResolver {
  private readonly ofOrganizations = new Map<string, Invoice[]>();

  /** Open to everybody. */
  @Query(() => Float)
  @Public()
  vat(): number {
    return 0.19;
  }

  /** Says nothing about protection, so it demands a signed-in session. */
  @Query(() => [Invoice])
  invoices(@Auth('orgId') organization: string): Invoice[] {
    return this.ofOrganizations.get(organization) ?? [];
  }

  @Mutation(() => Invoice)
  @RequirePermission('org:invoices:create')
  createInvoice(@Auth('orgId') organization: string, @Args('customer') customer: string): Invoice {
    const others = this.ofOrganizations.get(organization) ?? [];
    const invoice = { id: others.length + 1, customer };
    this.ofOrganizations.set(organization, [...others, invoice]);
    return invoice;
  }
}
