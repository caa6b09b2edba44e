BEGIN TRANSACTION;
CREATE TABLE experiments (
	id VARCHAR(40) NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	idempotency_key VARCHAR(200), 
	body_hash VARCHAR(64) NOT NULL, 
	question JSON NOT NULL, 
	language VARCHAR(10) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	done INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	started FLOAT, 
	ended FLOAT, 
	expires FLOAT NOT NULL, 
	found JSON, 
	problem JSON, 
	PRIMARY KEY (id), 
	UNIQUE (owner, idempotency_key)
);
INSERT INTO "experiments" VALUES('ex_kept','me','one','0000000000000000000000000000000000000000000000000000000000000000','{"dataset": "ds_1", "target": "price"}','en','succeeded',10,10,1.0,1.0,1.5,1000000000.0,'{"verdict": {"objective": "mae"}}','null');
CREATE TABLE job_leases (
	name VARCHAR(40) NOT NULL, 
	holder VARCHAR(80) NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE job_schema_versions (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "job_schema_versions" VALUES(1);
CREATE INDEX ix_experiments_owner ON experiments (owner);
CREATE INDEX ix_experiments_status ON experiments (status);
COMMIT;
