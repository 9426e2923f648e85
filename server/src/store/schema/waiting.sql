-- What waits is looked for at every step of merging, by space and by device. Few envelopes wait at
-- any moment, so these stay small however long a feed grows.
CREATE INDEX envelope_waiting ON envelope(space, arrival) WHERE state = 'waiting';
CREATE INDEX envelope_waiting_of ON envelope(device) WHERE state = 'waiting';
