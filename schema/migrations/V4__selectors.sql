-- What bulk commands choose devices by: model, firmware, and the authority that signed a certificate.
--
-- Each index is built while writers of its table wait and readers do not: hook-service goes on
-- following. No row is rewritten. The id comes second in each, so that a chunk of devices is read in
-- the order in which its rows are locked.

CREATE INDEX device_model ON device (model, device_id);
CREATE INDEX device_firmware ON device (firmware_version, device_id);
CREATE INDEX certificate_authority ON certificate (issuer, device_id) WHERE state = 'active';
