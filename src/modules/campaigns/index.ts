export { CampaignAudience, type AudienceBreakdown } from './campaign-audience.js';
export { CampaignsModule } from './campaigns.module.js';
export { CampaignControlService } from './campaign-control.service.js';
export { exclusionCase } from './campaign-audience.js';
export { CampaignsService, type NewCampaignInput } from './campaigns.service.js';
export { CampaignLaunchService, type LaunchOptions, type Preflight } from './campaign-launch.service.js';
export { CampaignLaunchStore, ENDS_BY_ITSELF, type EnrollProgress } from './campaign-launch.store.js';
export { LaunchChecks, type LaunchCheck, type LaunchOccasion, type LaunchPreparation } from './launch-checks.js';
export {
  CampaignLifecycle,
  type CampaignEvent,
  type CampaignEvents,
  type CampaignListener,
  type ResumePolicy,
} from './campaign-lifecycle.js';
export { CampaignCloner, CampaignDetailParts, type CampaignCopier, type CampaignDetailPart } from './campaign-parts.js';
export { CAMPAIGN_LOCK, shareSteps } from './campaign-lock.js';
export { CampaignSteps, type Inspection } from './campaign-steps.service.js';
export { CAMPAIGNS_QUEUE, campaignsQueue, type CampaignJobs } from './campaigns.jobs.js';
export {
  CampaignChangedError,
  CampaignInvalidError,
  CampaignNotFoundError,
  CampaignStateError,
  LaunchRefusedError,
  PublishRefusedError,
} from './campaigns.errors.js';
export { isAboutApproval, type LaunchFinding } from './domain/launch-rules.js';
export { type CampaignLink } from './domain/link-verdict.js';
export {
  CAMPAIGN_TYPES,
  type Campaign,
  type CampaignCategory,
  type CampaignSettings,
  type CampaignType,
  type LaunchState,
  type SendStrategy,
  type UnknownPolicy,
} from './domain/campaign.js';
export { entryShapeProblems, eventProblems } from './entry-checks.js';
export { cooldownMs, homeSegment, isOpenEnded, type EntryTrigger, type Goal, type Reentry } from './domain/entry.js';
export {
  MAX_RATE_PER_MINUTE,
  type FrequencyCap,
  type PauseReason,
  type PauseThresholds,
  type RampDay,
  type SendWindow,
} from './domain/pacing.js';
export { CAMPAIGN_STATUSES, EDITABLE_STATUSES, isEditable, type CampaignStatus } from './domain/campaign-state.js';
export { AudienceBreakdownDto, LaunchFindingDto } from './dto/campaign-actions.dto.js';
export { CreateCampaignDto, toSettings } from './dto/campaign-input.dto.js';
export { CampaignDto, toCampaignDto } from './dto/campaign.dto.js';
export { FrequencyCapDto, PauseThresholdsDto, QuietHoursDto } from './dto/pacing.dto.js';
