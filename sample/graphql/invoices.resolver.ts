import { Args, Field, Float, Int, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { Auth, Public, RequirePermission } from 'nest-clerk';

@ObjectType()
export class Invoice {
  @Field(() => Int) id!: number;
  @Field(() => String) customer!: string;
}

@Resolver(() => Invoice)
export class InvoicesResolver {
  private readonly byOrganization = new Map<string, Invoice[]>();

  /** Open to everyone. */
  @Query(() => Float)
  @Public()
  vat(): number {
    return 0.19;
  }

  /** No protection decorator: requires a signed-in session. */
  @Query(() => [Invoice])
  invoices(@Auth('orgId') organization: string): Invoice[] {
    return this.byOrganization.get(organization) ?? [];
  }

  @Mutation(() => Invoice)
  @RequirePermission('org:invoices:create')
  createInvoice(@Auth('orgId') organization: string, @Args('customer') customer: string): Invoice {
    const others = this.byOrganization.get(organization) ?? [];
    const invoice = { id: others.length + 1, customer };
    this.byOrganization.set(organization, [...others, invoice]);
    return invoice;
  }
}
