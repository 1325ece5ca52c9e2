//! Workloads, reference models and faulty disks; tests and benches only.
