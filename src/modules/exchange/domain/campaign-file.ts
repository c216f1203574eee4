/** What a campaign as a file begins with. A change that older servers would read wrongly makes a new version. */
export const FILE_FORMAT = 'campaign-engine/campaign';
export const FILE_VERSION = 1;
/** Bounds of a file; the API documents them. */
export const FILE_LIMITS = { bytes: 5 * 1024 * 1024, segments: 1_000, templates: 2_000 } as const;

/**
 * A campaign with everything it needs, and without ids: steps, segments and templates have refs, which count within the file only; provider accounts
 * and other campaigns go by their names.
 */
export interface CampaignFile {
  format: typeof FILE_FORMAT;
  version: number;
  /** The settings of the campaign, under the names of the API but for what refers to something. */
  campaign: { name: string } & Fields;
  /** As in `PUT …/steps`; in order. */
  steps: Fields[];
  segments: FileSegment[];
  templates: FileTemplate[];
}

export interface FileSegment {
  ref: string;
  name: string;
  type: 'dynamic' | 'static';
  /** Of a dynamic one. Left out: the one of this name, whatever its rules are. */
  rules?: unknown;
}

export interface FileTemplate {
  ref: string;
  name: string;
  subjectLine?: string | null;
  contentFormat: 'mjml' | 'html';
  content: string;
}

export type Fields = Record<string, unknown>;
