import { Body, Controller, Get, Post } from '@nestjs/common';
import { AcceptsToken, Auth, ClerkClientService, RequirePermission } from 'nest-clerk';
import type { AuthObjectFor } from 'nest-clerk';

import { InvoicesService } from './invoices.service.js';

@Controller('invoices')
export class InvoicesController {
  constructor(
    private readonly invoices: InvoicesService,
    private readonly clerk: ClerkClientService,
  ) {}

  /** Every signed-in user sees the invoices of the active organization. */
  @Get()
  list(@Auth('orgSlug') organization: string | undefined) {
    return this.invoices.of(organization);
  }

  /** Only for members with this permission in the active organization. */
  @Post()
  @RequirePermission('org:invoices:create')
  create(@Auth('orgSlug') organization: string, @Body() draft: unknown) {
    return this.invoices.create(organization, draft);
  }

  /** For programs: an API key exports the invoices of its organization, a machine of this application exports all of them. */
  @Get('export')
  @AcceptsToken('api_key', 'm2m_token')
  async export(@Auth() auth: AuthObjectFor<'api_key' | 'm2m_token'>) {
    if (auth.tokenType === 'm2m_token') return this.invoices.all();
    if (!auth.orgId) return [];
    const organization = await this.clerk.organizations.getOrganization({
      organizationId: auth.orgId,
    });
    return this.invoices.of(organization.slug);
  }
}
