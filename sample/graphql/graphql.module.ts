import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { GraphQLModule } from '@nestjs/graphql';
import { ClerkModule } from 'nest-clerk';

import { InvoicesResolver } from './invoices.resolver.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    ClerkModule.forRoot(),
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      fieldResolverEnhancers: ['guards'],
    }),
  ],
  providers: [InvoicesResolver],
})
export class GraphqlSampleModule {}
