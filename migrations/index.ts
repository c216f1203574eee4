import { Identity1764000000000 } from './1764000000000-Identity.js';
import { Audience1764000000001 } from './1764000000001-Audience.js';
import { Content1764000000002 } from './1764000000002-Content.js';
import { Campaigns1764000000003 } from './1764000000003-Campaigns.js';
import { Ledger1764000000004 } from './1764000000004-Ledger.js';
import { AnalyticsIndexes1764000000005 } from './1764000000005-AnalyticsIndexes.js';
import { Inbox1764000001000 } from './1764000001000-Inbox.js';
import { ProviderAccounts1764000002000 } from './1764000002000-ProviderAccounts.js';
import { Pacing1764000003000 } from './1764000003000-Pacing.js';
import { OutboundWebhooks1764000004000 } from './1764000004000-OutboundWebhooks.js';
import { SenderDomains1764000005000 } from './1764000005000-SenderDomains.js';
import { SuppressionHistory1764000007000 } from './1764000007000-SuppressionHistory.js';
import { CampaignKinds1764000010000 } from './1764000010000-CampaignKinds.js';
import { Triggers1764000011000 } from './1764000011000-Triggers.js';
import { Experiments1764000012000 } from './1764000012000-Experiments.js';
import { HitBatches1764000013000 } from './1764000013000-HitBatches.js';
import { AudienceClock1764000015000 } from './1764000015000-AudienceClock.js';
import { LedgerRoom1764000017000 } from './1764000017000-LedgerRoom.js';
import { CampaignVersions1764000018000 } from './1764000018000-CampaignVersions.js';
import { StepCalls1764000019000 } from './1764000019000-StepCalls.js';
import { Traces1764000019500 } from './1764000019500-Traces.js';
import { SoftBounceTimes1764000020500 } from './1764000020500-SoftBounceTimes.js';
import { Approvals1764000021000 } from './1764000021000-Approvals.js';
import { TenantIsolation1764000021500 } from './1764000021500-TenantIsolation.js';
import { Rollups1764000022000 } from './1764000022000-Rollups.js';
import { AuditOrigin1764000023000 } from './1764000023000-AuditOrigin.js';
import { ClickIndex1764000024000 } from './1764000024000-ClickIndex.js';
import { ApprovalRehearsals1764000024500 } from './1764000024500-ApprovalRehearsals.js';
import { RateLimits1764000025000 } from './1764000025000-RateLimits.js';
import { LinkCounts1764000026000 } from './1764000026000-LinkCounts.js';
import { VariantIndex1764000027000 } from './1764000027000-VariantIndex.js';

/** Every migration, in order; an explicit list, because globs do not survive compilation to ESM. */
export const migrations = [
  Identity1764000000000,
  Audience1764000000001,
  Content1764000000002,
  Campaigns1764000000003,
  Ledger1764000000004,
  AnalyticsIndexes1764000000005,
  Inbox1764000001000,
  ProviderAccounts1764000002000,
  Pacing1764000003000,
  OutboundWebhooks1764000004000,
  SenderDomains1764000005000,
  SuppressionHistory1764000007000,
  CampaignKinds1764000010000,
  Triggers1764000011000,
  Experiments1764000012000,
  HitBatches1764000013000,
  AudienceClock1764000015000,
  LedgerRoom1764000017000,
  CampaignVersions1764000018000,
  StepCalls1764000019000,
  Traces1764000019500,
  SoftBounceTimes1764000020500,
  Approvals1764000021000,
  TenantIsolation1764000021500,
  Rollups1764000022000,
  AuditOrigin1764000023000,
  ClickIndex1764000024000,
  ApprovalRehearsals1764000024500,
  RateLimits1764000025000,
  LinkCounts1764000026000,
  VariantIndex1764000027000,
];
