import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { AcceptsToken, Auth, Public, RequirePermission } from 'nest-clerk';
import type { AuthObjectFor, SignedInAuthObject } from 'nest-clerk';

/** Message handlers, protected by the same decorators as routes. */
@Controller()
export class InvoicesController {
  @Public()
  @MessagePattern('invoices.rates')
  rates() {
    return { vatInPercent: 19 };
  }

  @MessagePattern('invoices.list')
  list(@Auth() { userId }: SignedInAuthObject) {
    return `the invoices of ${userId}`;
  }

  @RequirePermission('org:invoices:create')
  @MessagePattern('invoices.create')
  create(@Payload('customer') customer: string, @Auth('orgId') owner: string) {
    return { customer, owner };
  }

  @AcceptsToken('m2m_token')
  @MessagePattern('invoices.export')
  export(@Auth() { id }: AuthObjectFor<['m2m_token']>) {
    return `all invoices, for the machine token ${id}`;
  }
}
