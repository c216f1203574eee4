import type { Tx } from '../../database/index.js';
import type { SendStrategy } from '../campaigns/index.js';
import type { FlowStep } from '../steps/index.js';
import type { Traveller, Walk } from './domain/walk.js';

/** What a handler works with: the open transaction and the run of this batch. */
export interface StepRun {
  tx: Tx;
  tenantId: string;
  campaignId: string;
  /** Zone of contacts that have none of their own. */
  campaignZone: string;
  sendStrategy: SendStrategy;
  /** The steps have been replaced by another version since the launch: somebody may come to a step whose message they had from an earlier one. */
  isEdited: boolean;
  now: Date;
  walk: Walk;
}

/** Takes a whole group through one step, in the transaction that claimed it: set-based, nothing slow. */
export type StepHandler = (run: StepRun, step: FlowStep, group: Traveller[]) => Promise<void>;
