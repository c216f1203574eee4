export const VERSION_STATUSES = ['draft', 'live', 'superseded', 'discarded'] as const;
/** `draft` may be edited, one at a time · `live` runs · `superseded` was live and may be again · `discarded` never was. */
export type VersionStatus = (typeof VERSION_STATUSES)[number];

export const PUBLISH_POLICIES = ['new_contacts_only', 'move_everyone'] as const;
/** Whom another version is for: those who enter from now on, or everybody inside as well. */
export type PublishPolicy = (typeof PUBLISH_POLICIES)[number];

/** One row of `campaign_versions`. */
export interface CampaignVersion {
  tenantId: string;
  campaignId: string;
  version: number;
  status: VersionStatus;
  /** The version that was live before it: where a rollback leads. Of a draft, the one it was copied from. */
  basedOn: number | null;
  policy: PublishPolicy | null;
  createdBy: string | null;
  createdAt: Date;
  publishedBy: string | null;
  publishedAt: Date | null;
}
