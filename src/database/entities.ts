import {
  AnalyticsBucket,
  AnalyticsDelta,
  AnalyticsState,
  AnalyticsStateDelta,
  AnalyticsStep,
  CampaignAnalytics,
} from '../modules/analytics/entities/index.js';
import { ApprovalPolicy, ApprovalRequest, CampaignApproval } from '../modules/approvals/entities/index.js';
import { Campaign } from '../modules/campaigns/entities/index.js';
import { Contact, ContactEvent, ContactTag, SoftBounce, Suppression, SuppressionEvent } from '../modules/contacts/entities/index.js';
import { ProviderAccount, SenderDomain } from '../modules/mail/entities/index.js';
import { Segment, SegmentMember } from '../modules/segments/entities/index.js';
import { CampaignStep, StepVariant } from '../modules/steps/entities/index.js';
import { Template, TemplateVersion } from '../modules/templates/entities/index.js';
import { EmailEvent, HitBatch, TrackedLink, WebhookBatch } from '../modules/tracking/entities/index.js';
import { Email, PacingSettingsRow, ProviderHealth, SendBudget } from '../modules/delivery/entities/index.js';
import { AbDecision } from '../modules/experiments/entities/index.js';
import { StepCall } from '../modules/execution/entities/index.js';
import { CampaignContact } from '../modules/enrollment/entities/campaign-contact.entity.js';
import { CampaignHandover, CampaignTrigger, CampaignWatch, CampaignWatchMember } from '../modules/triggers/entities/index.js';
import { CampaignVersionRow } from '../modules/versions/entities/index.js';
import { WebhookCursor, WebhookDelivery, WebhookEndpoint } from '../modules/webhooks/entities/index.js';
import { ApiKey, AuditLog, IdempotencyKey, RateLimit, Tenant, User, Workspace } from '../modules/identity/entities/index.js';

/** Every entity of every module. The schema drift test holds this list and the migrations together. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- TypeORM takes entity classes as plain functions
export const entities: Function[] = [
  // identity
  Tenant,
  Workspace,
  User,
  ApiKey,
  AuditLog,
  IdempotencyKey,
  RateLimit,
  // contacts
  Contact,
  ContactTag,
  ContactEvent,
  Suppression,
  SuppressionEvent,
  SoftBounce,
  // tracking
  TrackedLink,
  EmailEvent,
  HitBatch,
  WebhookBatch,
  // templates
  Template,
  TemplateVersion,
  // mail
  ProviderAccount,
  SenderDomain,
  // segments
  Segment,
  SegmentMember,
  // campaigns, steps, approvals
  Campaign,
  CampaignStep,
  StepVariant,
  ApprovalRequest,
  CampaignApproval,
  ApprovalPolicy,
  // enrollment
  CampaignContact,
  // triggers
  CampaignTrigger,
  CampaignWatch,
  CampaignWatchMember,
  CampaignHandover,
  // delivery
  Email,
  SendBudget,
  PacingSettingsRow,
  ProviderHealth,
  // experiments
  AbDecision,
  // execution
  StepCall,
  // versions
  CampaignVersionRow,
  // analytics
  CampaignAnalytics,
  AnalyticsBucket,
  AnalyticsStep,
  AnalyticsState,
  AnalyticsDelta,
  AnalyticsStateDelta,
  // webhooks
  WebhookEndpoint,
  WebhookDelivery,
  WebhookCursor,
];
