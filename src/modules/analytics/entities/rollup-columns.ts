import { Column } from 'typeorm';

const COUNT = { default: 0 };

/** What the rollups count: see the view `analytics_facts`, which says of each what it is, from scratch. */
export abstract class RollupColumns {
  @Column('integer', { name: 'sent', ...COUNT })
  sent: number;

  @Column('integer', { name: 'delivered', ...COUNT })
  delivered: number;

  @Column('integer', { name: 'bounced_hard', ...COUNT })
  bouncedHard: number;

  @Column('integer', { name: 'bounced_block', ...COUNT })
  bouncedBlock: number;

  @Column('integer', { name: 'bounced_soft', ...COUNT })
  bouncedSoft: number;

  /** Messages first opened by a person. */
  @Column('integer', { name: 'unique_opens', ...COUNT })
  uniqueOpens: number;

  /** Messages first opened by anybody or anything. */
  @Column('integer', { name: 'any_opens', ...COUNT })
  anyOpens: number;

  @Column('integer', { name: 'unique_clicks', ...COUNT })
  uniqueClicks: number;

  @Column('integer', { name: 'any_clicks', ...COUNT })
  anyClicks: number;

  @Column('integer', { name: 'replies', ...COUNT })
  replies: number;

  @Column('integer', { name: 'complaints', ...COUNT })
  complaints: number;

  @Column('integer', { name: 'unsubscribes', ...COUNT })
  unsubscribes: number;

  /** Openings by people. */
  @Column('integer', { name: 'total_opens', ...COUNT })
  totalOpens: number;

  @Column('integer', { name: 'machine_opens', ...COUNT })
  machineOpens: number;

  @Column('integer', { name: 'total_clicks', ...COUNT })
  totalClicks: number;

  @Column('integer', { name: 'machine_clicks', ...COUNT })
  machineClicks: number;
}
