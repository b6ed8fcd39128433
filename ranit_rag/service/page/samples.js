// Texts to begin with. The first ones are answered with examples of the bundled stores.

export const SAMPLES = [
  {
    key: 'sample.medicine',
    language: 'en',
    types: ['drug', 'disease', 'symptom'],
    text:
      'After two weeks of metformin the patient reported less fatigue, but her type 2 diabetes was still poorly ' +
      'controlled, so empagliflozin was added.',
  },
  {
    key: 'sample.news',
    language: 'en',
    types: ['person', 'organization', 'location'],
    text:
      'Ursula von der Leyen met the head of the World Bank in Nairobi on Tuesday, a day before the summit of the ' +
      'African Union.',
  },
  {
    key: 'sample.medicineZh',
    language: 'zh',
    types: ['疾病', '药物', '症状'],
    text: '患者因急性支气管炎入院，咳嗽、发热三天，给予阿奇霉素静脉滴注后症状缓解。',
  },
  {
    key: 'sample.financeZh',
    language: 'zh',
    types: ['公司', '人名', '金额'],
    text: '宁德时代董事长曾毓群表示，公司上半年净利润达到228.6亿元，将在匈牙利德布勒森建设新工厂。',
  },
];
