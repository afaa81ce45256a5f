DROP TABLE aicon_updates;
DROP TABLE binary_data;
DROP TABLE sensors;
DROP TABLE factors;
DROP TABLE aicons;
