import { ApiProperty } from '@nestjs/swagger';
import { CampaignDto, toCampaignDto } from '../../campaigns/index.js';
import { STEP_TYPES, StepDto, stepLabel, toStepDto, type CampaignStep, type StepType, describeStepKinds } from '../../steps/index.js';
import type { Place } from '../domain/moves.js';
import { PUBLISH_POLICIES, VERSION_STATUSES, type CampaignVersion, type PublishPolicy, type VersionStatus } from '../domain/version.js';
import type { Published } from '../publish.service.js';
import { people } from '../versions.errors.js';
import type { ComparedVersions, VersionDetail } from '../versions.service.js';

const INSTANT = { type: String, format: 'date-time' } as const;
const ID_OR_NULL = { type: String, format: 'uuid', nullable: true } as const;
const VERSION_OR_NULL = { type: 'integer', nullable: true, example: 1 } as const;
const COUNT = { type: 'integer', minimum: 0, example: 212 } as const;
const ANY = {
  nullable: true,
  oneOf: [
    { type: 'object', additionalProperties: true },
    { type: 'array', items: {} },
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
  ],
};

export class VersionDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 2 })
  version: number;

  @ApiProperty({
    enum: VERSION_STATUSES,
    description:
      '`draft`: may be edited · `live`: runs · `superseded`: was live, and some may still be inside it · `discarded`: never was live.',
  })
  status: VersionStatus;

  @ApiProperty({ ...VERSION_OR_NULL, description: 'The version that was live before it, where a rollback leads; of a draft, its origin.' })
  basedOn: number | null;

  @ApiProperty({
    enum: [...PUBLISH_POLICIES, null],
    nullable: true,
    description: 'Of the latest time it went live; null for that of the launch.',
  })
  policy: PublishPolicy | null;

  @ApiProperty({ ...ID_OR_NULL, description: 'Who created it, if known.' })
  createdBy: string | null;

  @ApiProperty(INSTANT)
  createdAt: Date;

  @ApiProperty({ ...ID_OR_NULL, description: 'Who made it live, if known.' })
  publishedBy: string | null;

  @ApiProperty({ ...INSTANT, nullable: true })
  publishedAt: Date | null;
}

export class VersionStepDto extends StepDto {
  @ApiProperty({ ...ID_OR_NULL, description: 'The step of the live version that this is; null if that has none such.' })
  continues: string | null;
}

describeStepKinds(VersionStepDto);

/** A step of one of the versions. */
export class StepOfVersionDto {
  @ApiProperty({ format: 'uuid' })
  stepId: string;

  @ApiProperty({ type: 'integer', example: 1 })
  version: number;

  @ApiProperty({ type: 'integer', example: 1 })
  stepOrder: number;

  @ApiProperty({ type: String, nullable: true, example: 'Welcome' })
  stepName: string | null;

  @ApiProperty({ enum: STEP_TYPES })
  stepType: StepType;
}

export class FieldChangeDto {
  @ApiProperty({ example: 'subjectLine', description: 'A field of the step; `nextStepId` and the branches as they are walked.' })
  field: string;

  @ApiProperty(ANY)
  before: unknown;

  @ApiProperty(ANY)
  after: unknown;
}

export class ChangedStepDto {
  @ApiProperty({ type: StepOfVersionDto })
  before: StepOfVersionDto;

  @ApiProperty({ type: StepOfVersionDto })
  after: StepOfVersionDto;

  @ApiProperty({ type: [FieldChangeDto] })
  changes: FieldChangeDto[];
}

export class VersionDiffDto {
  @ApiProperty({ type: 'integer', example: 1, description: 'The version compared with: the live one, or, for that, the one before.' })
  from: number;

  @ApiProperty({ type: 'integer', example: 2 })
  to: number;

  @ApiProperty({ type: [StepOfVersionDto] })
  added: StepOfVersionDto[];

  @ApiProperty({ type: [StepOfVersionDto] })
  removed: StepOfVersionDto[];

  @ApiProperty({ type: [ChangedStepDto] })
  changed: ChangedStepDto[];

  @ApiProperty({ ...COUNT, example: 4, description: 'Steps with nothing to tell.' })
  unchanged: number;
}

export class RemovedStepDto extends StepOfVersionDto {
  @ApiProperty({ ...COUNT, description: 'Contacts at the step: with `move_everyone` they need a place.' })
  contacts: number;

  @ApiProperty({ example: '212 contacts wait at "Reminder", which version 2 does not have.' })
  message: string;
}

export class KeptStepDto extends StepOfVersionDto {
  @ApiProperty({ ...COUNT, description: 'Contacts at the step: with `move_everyone` they go on at `becomes`.' })
  contacts: number;

  @ApiProperty({ format: 'uuid', description: 'The same step of this version.' })
  becomes: string;
}

export class VersionImpactDto {
  @ApiProperty({ type: 'integer', example: 2 })
  version: number;

  @ApiProperty({ ...COUNT, example: 1_000, description: 'Contacts on their way at steps of other versions.' })
  contactsElsewhere: number;

  @ApiProperty({
    type: [RemovedStepDto],
    description: 'Steps that this version does not have: of the live version all, of others those with contacts.',
  })
  removed: RemovedStepDto[];

  @ApiProperty({ type: [KeptStepDto] })
  kept: KeptStepDto[];
}

export class VersionDetailDto {
  @ApiProperty({ type: VersionDto })
  version: VersionDto;

  @ApiProperty({ type: [VersionStepDto], description: 'In order; none of a discarded version.' })
  steps: VersionStepDto[];

  @ApiProperty({ type: VersionDiffDto, nullable: true, description: 'Null for a discarded version.' })
  diff: VersionDiffDto | null;

  @ApiProperty({ type: VersionImpactDto, nullable: true, description: 'Null for a discarded version.' })
  impact: VersionImpactDto | null;
}

export class PublishedDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ type: CampaignDto })
  campaign: CampaignDto;

  @ApiProperty({ type: VersionDto })
  version: VersionDto;

  @ApiProperty({ ...COUNT, description: 'Contacts who go on at the same step of this version.' })
  moved: number;

  @ApiProperty({ ...COUNT, example: 0, description: 'Contacts who were at a step that is no more, and are at another now.' })
  placed: number;

  @ApiProperty({ ...COUNT, example: 0, description: 'Contacts who left the campaign (`step_removed`).' })
  exited: number;
}

export function toVersionDto({ tenantId: _tenant, campaignId: _campaign, ...version }: CampaignVersion): VersionDto {
  return version;
}

export function toDiffDto({ from, to, diff }: ComparedVersions): VersionDiffDto {
  const changed = diff.changed.map(({ before, after, changes }) => ({ before: toRef(before), after: toRef(after), changes }));
  return { from, to, added: diff.added.map(toRef), removed: diff.removed.map(toRef), changed, unchanged: diff.unchanged };
}

export function toImpactDto(version: number, places: readonly Place[]): VersionImpactDto {
  return {
    version,
    contactsElsewhere: places.reduce((sum, { contacts }) => sum + contacts, 0),
    removed: places.flatMap(({ step, contacts, becomes }) => {
      if (becomes !== null) return [];
      const message = `${people(contacts)} at ${stepLabel(step)}, which version ${version} does not have.`;
      return [{ ...toRef(step), contacts, message }];
    }),
    kept: places.flatMap(({ step, contacts, becomes }) => (becomes === null ? [] : [{ ...toRef(step), contacts, becomes: becomes.id }])),
  };
}

export function toVersionDetailDto({ version, steps, live, compared, places }: VersionDetail): VersionDetailDto {
  const liveByLine = new Map(live.map(({ id, lineageId }) => [lineageId, id]));
  return {
    version: toVersionDto(version),
    steps: steps.map((step) => ({ ...toStepDto(step), continues: liveByLine.get(step.lineageId) ?? null })),
    diff: compared && toDiffDto(compared),
    impact: places && toImpactDto(version.version, places),
  };
}

export function toPublishedDto({ campaign, version, moved, placed, exited }: Published): PublishedDto {
  return { success: true, campaign: toCampaignDto(campaign), version: toVersionDto(version), moved, placed, exited };
}

function toRef({ id, version, stepOrder, stepName, stepType }: CampaignStep): StepOfVersionDto {
  return { stepId: id, version, stepOrder, stepName, stepType };
}
